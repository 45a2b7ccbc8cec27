"""Configs of real methods, small enough to be trained in a second."""
from segda_mm.testing import tiny_bisenet

base = dict(
    pseudo_label='pseudo_label/pseudo-label-dsc_bisenetv1-r18_1xb4_'
    'minicity-128x256.py',
    mpl='mpl/mpl-change-dsc_bisenetv1-r18_1xb4_minicity-128x256.py')


def small_config(method, configs, world):
    """The shipped config, with a tiny network and tiny images.

    Args:
        method: ``'pseudo_label'`` or ``'mpl'``.
        configs: The folder of configs.
        world: The folder of the miniature world.
    """
    from mmengine.config import Config
    cfg = Config.fromfile(f'{configs}/{base[method]}')
    cfg.model.generator.segmentor = tiny_bisenet(19)
    if method == 'mpl':
        cfg.model.teacher_checkpoint = None
        cfg.model.student_checkpoint = None
    else:
        # The labels of epoch 1 must be found again after a kill in it.
        cfg.model.generator.checkpoint = None
        cfg.custom_hooks[-1].epochs = [0, 1]
    cfg.train_dataloader.batch_size = 2
    cfg.train_cfg.max_epochs, cfg.train_cfg.val_interval = 2, 10
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', by_epoch=False, interval=1, max_keep_ckpts=2)

    def visit(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == 'data_root':
                    node[key] = f'{world}/{value.rsplit("/", 1)[1]}'
                elif key == 'scale':
                    node[key] = (128, 64)
                else:
                    visit(value)
        elif isinstance(node, (list, tuple)):
            for value in node:
                visit(value)

    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader',
                'custom_hooks'):
        visit(cfg[key])
    return cfg
