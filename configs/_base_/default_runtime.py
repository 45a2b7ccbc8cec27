custom_imports = dict(imports=['segda_mm'], allow_failed_imports=False)
default_scope = 'mmseg'
runner_type = 'AdaptationRunner'
randomness = dict(seed=0)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
# Who averages gradients over processes: see segda_mm/engine/model_wrapper.py.
model_wrapper_cfg = dict(type='PassThroughDistributed')
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=25, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='SafeCheckpointHook',
        by_epoch=True,
        interval=1,
        max_keep_ckpts=2,
        save_last=True,
    ),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    finite_loss=dict(type='FiniteLossHook'),
    head_accuracy=dict(type='HeadAccuracyHook'),
    channels_last=dict(type='ChannelsLastHook'),
    visualization=dict(type='SegVisualizationHook'),
)
log_processor = dict(by_epoch=True, window_size=25)
log_level = 'INFO'
load_from = None
resume = False
visualizer = dict(
    type='OverlayVisualizer',
    name='visualizer',
    vis_backends=[dict(type='LocalVisBackend')],
)
tta_model = dict(type='SemanticTTA')
