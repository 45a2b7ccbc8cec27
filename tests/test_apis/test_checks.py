import logging
from pathlib import Path

import pytest
from mmengine.config import Config

from segda_mm.apis import PreflightError, load_config
from segda_mm.apis.checks import require_data, settle_initial_checkpoints
from segda_mm.apis.preflight_arguments import arguments_of
from segda_mm.apis.preflight_keys import check_keys
from segda_mm.apis.preflight_variables import unread_names

CONFIGS = Path(__file__).parents[2] / 'configs'


def loader(dataset_type, root):
    return dict(dataset=dict(type=dataset_type, data_root=str(root), pipeline=[]))


def test_absent_folder_what_belongs_there_and_the_way_on(tmp_path):
    cfg = Config(
        dict(
            train_dataloader=loader('GTA5Dataset', tmp_path / 'gta5'),
            miniature_config='configs/mpl/mpl_minicity.py',
        )
    )
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader', 'val_dataloader'))
    message = str(caught.value)
    assert str(tmp_path / 'gta5' / 'images') in message
    assert 'what belongs there: ' in message
    (command,) = (line for line in message.splitlines() if 'tools/train.py' in line)
    assert command.endswith('&& python tools/train.py configs/mpl/mpl_minicity.py')
    assert 'make_minicity.py --out data/minicity --size 256x128' in command


def test_the_miniature_world_itself_is_only_to_be_written(tmp_path):
    root = tmp_path / 'minicity' / 'gta5'
    cfg = Config(dict(train_dataloader=loader('GTA5Dataset', root)))
    with pytest.raises(PreflightError, match=r'is written by\n.*make_minicity') as e:
        require_data(cfg, ('train_dataloader',))
    assert 'tools/train.py' not in str(e.value)


def test_a_world_of_other_settings_names_its_own_command(tmp_path):
    make_data = 'python tools/dataset_converters/make_minicity.py --out data/wide'
    small = tmp_path / 'small.py'
    small.write_text(f'make_data = {make_data!r}; model = dict()')
    root = tmp_path / 'wide' / 'gta5'
    cfg = Config(
        dict(train_dataloader=loader('GTA5Dataset', root), make_data=make_data)
    )
    with pytest.raises(PreflightError, match=rf'is written by\n  {make_data}$'):
        require_data(cfg, ('train_dataloader',))
    cfg = Config(
        dict(train_dataloader=loader('GTA5Dataset', root), miniature_config=str(small))
    )
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader',))
    assert str(caught.value).endswith(f'  {make_data} && python tools/train.py {small}')


def test_data_sets_of_mmseg_are_covered(toy_config):
    cfg = load_config(toy_config, ['val_dataloader.dataset.data_root=/nowhere'])
    require_data(cfg, ('train_dataloader',))
    with pytest.raises(PreflightError, match='val_dataloader are not there') as e:
        require_data(cfg, ('train_dataloader', 'val_dataloader'))
    assert '/nowhere/images/val' in str(e.value)


def test_the_config_is_left_as_it_was(toy_config):
    cfg = load_config(toy_config)
    require_data(cfg, ('train_dataloader', 'val_dataloader'))
    assert cfg.to_dict() == load_config(toy_config).to_dict()


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
    assert f'python tools/train.py {maker}' in message


def test_checkpoints_that_are_there_or_remote_pass(tmp_path):
    weights = tmp_path / 'weights.pth'
    weights.touch()
    model = dict(
        a=dict(checkpoint=str(weights)),
        b=dict(checkpoint='torchvision://resnet18'),
        c=dict(checkpoint=None),
    )
    settle_initial_checkpoints(Config(dict(model=model, load_from=str(weights))))
    with pytest.raises(PreflightError, match='load_from names'):
        settle_initial_checkpoints(Config(dict(model=model, load_from='gone.pth')))


def test_absent_optional_checkpoints_are_reported_and_dropped(caplog):
    missing = dict(type='Pretrained', checkpoint='gone.pth')
    cfg = Config(
        dict(
            optional_checkpoints=['gone.pth'],
            model=dict(
                backbone=dict(depth=18, init_cfg=missing),
                teacher=dict(type='SegmentorGenerator', checkpoint='gone.pth'),
            ),
        )
    )
    with caplog.at_level(logging.WARNING):
        settle_initial_checkpoints(cfg)
    assert cfg.model.backbone == dict(depth=18, init_cfg=None)
    assert cfg.model.teacher == dict(type='SegmentorGenerator', checkpoint=None)


def test_the_command_makes_the_checkpoints_it_needs(tmp_path):
    configs = tmp_path / 'configs'
    configs.mkdir()
    first, last = configs / 'first_mini.py', configs / 'last_mini.py'
    first.write_text('')
    last.write_text(
        "model = dict(checkpoint='work_dirs/first_mini/epoch_8.pth',"
        "backbone=dict(checkpoint='checkpoints/imagenet.pth'))\n"
        "optional_checkpoints = ['checkpoints/imagenet.pth']"
    )
    cfg = Config(
        dict(
            train_dataloader=loader('GTA5Dataset', tmp_path / 'gta5'),
            miniature_config=str(last),
        )
    )
    with pytest.raises(PreflightError) as caught:
        require_data(cfg, ('train_dataloader',))
    command = str(caught.value).splitlines()[-1].strip()
    assert command.split(' && ')[1:] == [
        f'python tools/train.py {first}',
        f'python tools/train.py {last}',
    ]


def test_every_key_of_every_config_has_a_reader(tmp_path):
    checked = 0
    for file in sorted(CONFIGS.rglob('*.py')):
        # Plans of self-training know their keys themselves.
        if {'_base_', 'naive_student'} & set(file.parts):
            continue
        cfg = Config.fromfile(file)
        check_keys(cfg)
        checked += 1
        if checked % 8 == 0:
            # As in a work directory: every variable, and no base.
            flat = tmp_path / file.name
            entries = cfg.to_dict().items()
            flat.write_text('\n'.join(f'{key} = {value!r}' for key, value in entries))
            check_keys(Config.fromfile(flat))
    assert checked > 40


@pytest.mark.parametrize(
    'keys, message',
    [
        (
            dict(model=dict(decode_head=dict(num_clases=3))),
            'model.decode_head.num_clases: nothing of FCNHead .*mean num_classes',
        ),
        (
            dict(model=dict(backbone=dict(type='BiSeNetV1x'))),
            'model.backbone.type: there is no BiSeNetV1x; did you mean BiSeNetV1',
        ),
        (
            dict(optim_wrapper=dict(optimizer=dict(learning_rate=1.0))),
            'optim_wrapper.optimizer.learning_rate: nothing of SGD reads it',
        ),
        (
            dict(optim_wrapper=dict(paramwise_cfg=dict(custom_key={}))),
            'paramwise_cfg.custom_key: .*did you mean custom_keys',
        ),
        (
            dict(train_dataloader=dict(batchsize=2)),
            'train_dataloader.batchsize: .*did you mean batch_size',
        ),
        (
            dict(train_dataloader=dict(dataset=dict(pipline=[]))),
            'train_dataloader.dataset.pipline: .*did you mean pipeline',
        ),
        (
            dict(train_cfg=dict(max_epoch=2)),
            'train_cfg.max_epoch: .*did you mean max_epochs',
        ),
        (dict(randomness=dict(sed=2)), 'randomness.sed: .*did you mean seed'),
        (
            dict(default_hooks=dict(checkpont=dict(interval=2))),
            'default_hooks.checkpont: it has no `type`; did you mean checkpoint',
        ),
        # It takes **kwargs, and drops them.
        (
            dict(test_evaluator=dict(type='IoUMetric', iou_metric=['mIoU'])),
            'test_evaluator.iou_metric: .*did you mean iou_metrics',
        ),
        (
            dict(param_scheduler=[dict(type='PolyLR', power=1.0, ends=3)]),
            r'param_scheduler.0.ends: .*did you mean end\?',
        ),
    ],
)
def test_keys_without_a_reader_are_refused(toy_config, keys, message):
    cfg = load_config(toy_config)
    check_keys(cfg)
    if 'test_evaluator' in keys:
        cfg.test_evaluator = {}
    cfg.merge_from_dict(keys)
    with pytest.raises(PreflightError, match=message) as caught:
        check_keys(cfg)
    assert str(caught.value).count('\n- ') == 1


def test_arguments_follow_the_constructors():
    class Parent:
        def __init__(self, a, b=1):
            self.c = a

    class HandsOn(Parent):
        def __init__(self, d, **kwargs):
            self.e = kwargs.pop('e', 0)
            super().__init__(**kwargs)

    class Drops(Parent):
        def __init__(self, d, **kwargs):
            super().__init__(d)

    class Keeps(Parent):
        def __init__(self, **kwargs):
            self.settings = kwargs

    assert arguments_of(HandsOn) == {'a', 'b', 'd', 'e'}
    assert arguments_of(Drops) == {'d'}
    assert arguments_of(Keeps) is None
    assert arguments_of(Parent) == {'a', 'b'}


def test_variables_of_config_files_without_a_reader(tmp_path):
    base, heir = tmp_path / 'base.py', tmp_path / 'heir.py'
    base.write_text(
        'size = (4, 4)\npipeline = [dict(scale=size)]\noffer = 1\n'
        'model = dict(pipeline=pipeline)\n'
    )
    heir.write_text(
        "_base_ = './base.py'\nsize = (8, 8)\n_note = 'mine'\nwidth = 2\n"
        'model = dict(width=width, offer=_base_.offer)\n'
    )
    # The base has used its own size already.
    assert unread_names(heir, {'model'}) == [(heir, 'size', False)]
    heir.write_text("_base_ = './base.py'\n")
    assert unread_names(heir, {'model'}) == [(base, 'offer', True)]
    heir.write_text("_base_ = './base.py'\nx = '{{_base_.offer}}'\nmodel = x\n")
    assert unread_names(heir, {'model'}) == []
    heir.write_text('size = (8, 8)\nmodel = dict(size=(8, 8))\n')
    assert unread_names(heir, {'model'}) == [(heir, 'size', True)]


def test_a_name_that_is_set_again_in_vain_is_refused(tmp_path):
    base, heir = tmp_path / 'base.py', tmp_path / 'heir.py'
    base.write_text('size = (4, 4)\nlabel_pipeline = []\nmodel = dict(size=size)\n')
    heir.write_text("_base_ = './base.py'\nsize = (8, 8)\n")
    with pytest.raises(PreflightError, match=r'heir.py: nothing reads size') as caught:
        check_keys(Config.fromfile(heir))
    # What a base offers to other heirs is not held against this one.
    assert 'label_pipeline' not in str(caught.value)
    base.write_text('param_schedulers = []\nmodel = dict()\n')
    heir.write_text("_base_ = './base.py'\n")
    with pytest.raises(PreflightError, match='did you mean param_scheduler'):
        check_keys(Config.fromfile(heir))
