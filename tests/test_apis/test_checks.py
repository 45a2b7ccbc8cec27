import pytest
from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config
from segda_mm.apis.checks import require_data, settle_initial_checkpoints


def loader(dataset_type, root):
    return dict(dataset=dict(type=dataset_type, data_root=str(root), pipeline=[]))


def test_absent_folder_what_belongs_there_and_the_way_on(tmp_path):
    cfg = Config(
        dict(
            train_dataloader=loader('GTA5Dataset', tmp_path / 'gta5'),
            miniature_config='supervised_bisenetv1-r18_minicity-gta5-128x256',
        )
    )
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader', 'val_dataloader'))
    message = str(caught.value)
    assert str(tmp_path / 'gta5' / 'images') in message
    assert 'what belongs there: ' in message
    assert [line.strip() for line in message.splitlines()[-2:]] == [
        'segda minicity --out data/minicity --size 256x128',
        f'segda train {cfg.miniature_config}',
    ]


def test_a_miniature_world_is_only_to_be_written(tmp_path):
    root = tmp_path / 'minicity' / 'gta5'
    cfg = Config(dict(train_dataloader=loader('GTA5Dataset', root)))
    with pytest.raises(PreflightError, match=r'is written by\n  segda minicity') as e:
        require_data(cfg, ('train_dataloader',))
    assert 'segda train' not in str(e.value)
    # One of other settings has its own command.
    cfg.make_data = 'python make_it.py --out data/wide'
    with pytest.raises(PreflightError, match=rf'is written by\n  {cfg.make_data}$'):
        require_data(cfg, ('train_dataloader',))


def test_data_sets_of_mmseg_are_covered(toy_config):
    cfg = load_config(toy_config, ['val_dataloader.dataset.data_root=/nowhere'])
    before = cfg.to_dict()
    require_data(cfg, ('train_dataloader',))
    with pytest.raises(PreflightError, match='val_dataloader are not there') as e:
        require_data(cfg, ('train_dataloader', 'val_dataloader'))
    assert '/nowhere/images/val' in str(e.value)
    assert cfg.to_dict() == before


def test_initial_checkpoint_key_file_and_maker(tmp_path):
    maker = tmp_path / 'configs' / 'adversarial' / 'adversarial_x.py'
    maker.parent.mkdir(parents=True)
    maker.write_text('')
    config = tmp_path / 'configs' / 'mpl.py'
    config.write_text(
        'model = dict(teacher=dict(heads=[dict(), dict(init_cfg=dict('
        "checkpoint='work_dirs/adversarial_x/epoch_50.pth'))]))"
    )
    with pytest.raises(PreflightError) as caught:
        settle_initial_checkpoints(load_config(config))
    message = str(caught.value)
    assert message.startswith('model.teacher.heads.1.init_cfg.checkpoint names')
    assert 'work_dirs/adversarial_x/epoch_50.pth' in message
    assert f'\n  segda train {maker}' in message


def test_the_checkpoint_that_a_hook_labels_with(caplog):
    hook = dict(type='MedianThresholdPseudoLabelHook', checkpoint='gone.pth')
    cfg = Config(dict(model=dict(type='X'), custom_hooks=[dict(type='Y'), hook]))
    with pytest.raises(PreflightError, match=r'custom_hooks\.1\.checkpoint names'):
        settle_initial_checkpoints(cfg)
    model = Config(dict(model=dict(teacher=dict(checkpoint='gone.pth'))))
    with pytest.raises(PreflightError, match=r'with model\.teacher\.checkpoint=None'):
        settle_initial_checkpoints(model)
    # It has labelled already.
    settle_initial_checkpoints(cfg, resuming=True)
    assert cfg.custom_hooks[1].checkpoint == 'gone.pth'


def test_absent_optional_checkpoints_are_dropped_others_pass(tmp_path):
    weights = tmp_path / 'weights.pth'
    weights.touch()
    missing = dict(type='Pretrained', checkpoint='gone.pth')
    model = dict(
        backbone=dict(depth=18, init_cfg=missing),
        teacher=dict(type='SegmentorGenerator', checkpoint='gone.pth'),
        there=dict(checkpoint=str(weights)),
        remote=dict(checkpoint='torchvision://resnet18'),
    )
    cfg = Config(dict(optional_checkpoints=['gone.pth'], model=model))
    settle_initial_checkpoints(cfg)
    assert cfg.model.backbone == dict(depth=18, init_cfg=None)
    assert cfg.model.teacher == dict(type='SegmentorGenerator', checkpoint=None)
    assert cfg.model.there.checkpoint == str(weights)
    assert cfg.model.remote.checkpoint == 'torchvision://resnet18'
