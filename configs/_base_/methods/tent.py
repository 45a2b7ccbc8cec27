# A trained network becomes certain of the target by the scales and shifts of its
# normalisation layers. A run config gives `model.data_preprocessor`,
# `model.generator.segmentor` and `model.generator.checkpoint`, and as
# `train_dataloader.dataset` images of the target alone.
model = dict(
    type='SourceFree',
    generator=dict(type='SegmentorGenerator'),
    trained='norm',
    unlabeled_losses=[dict(type='EntropyLoss', loss_weight=1.0)],
    # No target label is looked at.
    target_loss_weight=0.0,
)
optim_wrapper = dict(
    constructor='ChildOptimWrapperConstructor',
    generator=dict(
        type='GradientAveragingOptimWrapper',
        optimizer=dict(type='Adam', lr=1e-3, fused=True),
    ),
)
custom_hooks = []
miniature_config = 'tent_bisenetv1-lite0_minicity-128x256'
