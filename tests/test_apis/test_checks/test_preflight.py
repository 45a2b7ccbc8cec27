from urllib.error import URLError

import pytest
from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config
from segda_mm.apis.checks import preflight
from segda_mm.apis.checks.preflight import require_data, settle_initial_checkpoints
from segda_mm.models.published_weights import PUBLISHED_WEIGHTS


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


def test_from_scratch_drops_what_networks_start_from_and_nothing_else(tmp_path):
    weights = tmp_path / 'weights.pth'
    weights.touch()
    missing = dict(type='Pretrained', checkpoint='gone.pth')
    backbone = dict(depth=18, pretrained='gone.pth', init_cfg=missing)
    model = dict(
        backbone=dict(backbone, neck=dict(init_cfg=dict(type='Normal'))),
        lite=dict(init_cfg=dict(type='EfficientNetLitePretrained', variant=0)),
        there=dict(checkpoint=str(weights)),
    )
    cfg = Config(dict(model=model))
    with pytest.raises(PreflightError, match='backbone.pretrained .*--from-scratch'):
        settle_initial_checkpoints(cfg)
    assert cfg.to_dict() == dict(model=model)
    cfg.from_scratch = True
    settle_initial_checkpoints(cfg)
    assert cfg.model.backbone == dict(
        depth=18,
        pretrained=None,
        init_cfg=None,
        neck=dict(init_cfg=dict(type='Normal')),
    )
    assert cfg.model.lite == dict(init_cfg=None)
    assert cfg.model.there.checkpoint == str(weights)
    # Of an adapted network it goes on, or stops.
    cfg.model.teacher = dict(type='SegmentorGenerator', checkpoint='gone.pth')
    with pytest.raises(PreflightError, match=r'with model\.teacher\.checkpoint'):
        settle_initial_checkpoints(cfg)


def test_weights_that_cannot_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv('SEGDA_WEIGHTS', str(tmp_path))
    cfg = load_config('supervised_bisenetv1-r18_gta5-720x1280')
    (source,) = (source for *_, source in preflight._named_weights(cfg))
    assert source == PUBLISHED_WEIGHTS['resnet18']

    def no_network(url, *args):
        raise URLError('no route to host')

    monkeypatch.setattr('torch.hub.download_url_to_file', no_network)
    with pytest.raises(PreflightError) as caught:
        settle_initial_checkpoints(cfg)
    url, sha256 = source.split('#sha256=')
    for part in (
        url,
        sha256,
        str(tmp_path / 'resnet18-f37072fd.pth'),
        '--from-scratch',
    ):
        assert part in str(caught.value)
    assert str(caught.value).startswith('model.backbone.backbone_cfg.init_cfg')
    # Those in small need none.
    cfg = load_config('supervised_bisenetv1-r18_minicity-gta5-128x256')
    settle_initial_checkpoints(cfg)
    assert cfg.model.backbone.backbone_cfg.init_cfg is None
    larger = load_config('supervised_bisenetv1-r101_gta5-720x1280')
    (source,) = (source for *_, source in preflight._named_weights(larger))
    assert source == PUBLISHED_WEIGHTS['resnet101']
