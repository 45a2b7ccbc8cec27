"""From the few settings of a file about own data to a whole config."""

import pytest
from mmengine.config import Config

from segda_mm.apis import load_config
from segda_mm.apis.checks.preflight import settle_initial_checkpoints
from segda_mm.apis.config_files import config_root
from segda_mm.apis.own.class_tables import CITYSCAPES_TO_CAMVID
from segda_mm.datasets import CamVidDataset, CityscapesFineDataset
from segda_mm.errors import PreflightError

RECIPES = ('source_only', 'dsc', 'fcd', 'pseudo_label', 'mpl', 'mean_teacher', 'mic')
SETTINGS = dict(
    classes=dict(road=[128, 64, 128], car=[0, 0, 142], sky=[70, 130, 180]),
    source=dict(images='my/images', labels='my/masks'),
    target=dict(images=['my_target/', 'drive.mp4']),
    val=None,
    size=(256, 128),
    epochs=10,
    network='bisenetv1_r18',
)
INIT = dict(checkpoint='net.pth', head='skip')


@pytest.fixture
def settled(tmp_path):
    """Load a file about own data: settings that differ, options, further lines."""

    def load(recipe='dsc', options=(), more='', **changes):
        settings = {**SETTINGS, **changes}
        lines = [f"_base_ = 'segda_mm::own/{recipe}.py'"]
        lines += [f'{k} = {v!r}' for k, v in settings.items() if v != 'left out']
        file = tmp_path / 'my.py'
        file.write_text('\n'.join([*lines, more]))
        return load_config(file, options)

    return load


def entries(node, key):
    """All values of a key below a node."""
    if isinstance(node, dict):
        for name, child in node.items():
            if name == key:
                yield child
            yield from entries(child, key)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from entries(child, key)


@pytest.mark.parametrize('recipe', RECIPES)
def test_all_follows_from_the_settings(settled, recipe, tmp_path):
    cfg = settled(recipe, init=INIT)
    # Every head and discriminator, every data set, every scale.
    assert set(entries(cfg.model, 'num_classes')) == {3}
    assert {tuple(m['classes']) for m in entries(cfg.to_dict(), 'metainfo')} == {
        ('road', 'car', 'sky')
    }
    pair = cfg.train_dataloader.dataset
    source = pair if recipe == 'source_only' else pair.source
    colors = [[color, i] for i, color in enumerate(SETTINGS['classes'].values())]
    assert source.label_table.colors == colors
    assert cfg.test_dataloader.dataset.pipeline[1].scale == (256, 128)
    assert cfg.val_dataloader is cfg.val_cfg is cfg.val_evaluator is None
    assert cfg.train_cfg.max_epochs == 10 and cfg.param_scheduler[0].end == 11
    assert cfg.model.get('feedback_rule', {}).get('growth_epochs', 8) == 8
    (start,) = (e for e in entries(cfg.model, 'init_cfg') if e and 'head' in e)
    assert start.checkpoint == 'net.pth' and start.classes == ['road', 'car', 'sky']
    # Weights that the start replaces are not asked for.
    assert {name for name in entries(cfg.model, 'checkpoint') if name} == {'net.pth'}
    half = 0.5 if recipe in ('pseudo_label', 'mpl') else 1
    members = cfg.optim_wrapper
    for name in members.keys() & {'generator', 'student_generator'}:
        assert members[name].optimizer.lr == 6e-4 * half
    # What is settled is a plain config, which says the same when it is read again.
    assert not cfg.keys() & {*SETTINGS, 'init', 'recipe', 'rate_factor', 'batch_size'}
    cfg.dump(tmp_path / 'settled.py')
    again = load_config(tmp_path / 'settled.py', work_dir=cfg.work_dir)
    assert again.to_dict() == cfg.to_dict()


def test_what_the_file_says_itself_wins(settled):
    cfg = settled(
        options=['epochs=4', 'model.adv_weight=0.01', 'train_cfg.val_interval=3'],
        val=dict(images='val/images', labels='val/masks', ids=[7, [26, 27], 23]),
        more='_head = dict(decode_head=dict(channels=8))\n'
        'model = dict(generator=dict(segmentor=_head))\n'
        'optim_wrapper = dict(generator=dict(optimizer=dict(lr=0.5)))\n'
        "train_dataloader = dict(dataset=dict(length='target'))\n",
    )
    assert cfg.model.generator.segmentor.decode_head.channels == 8
    assert cfg.model.adv_weight == 0.01
    assert cfg.optim_wrapper.generator.optimizer.lr == 0.5
    assert cfg.train_dataloader.dataset.length == 'target'
    assert (cfg.train_cfg.max_epochs, cfg.param_scheduler[0].end) == (4, 5)
    assert cfg.train_cfg.val_interval == 3
    table = cfg.val_dataloader.dataset.label_table
    assert table.ids == [[7, 0], [26, 1], [27, 1], [23, 2]]


def test_a_heavy_teacher_is_a_network_of_its_own(settled):
    cfg = settled('heavy_teacher', init=INIT, network='mmseg::segformer_mit-b0')
    large, light = (
        cfg.model[name].segmentor for name in ('generator', 'light_generator')
    )
    assert set(entries(cfg.model, 'num_classes')) == {3}
    assert large.backbone.backbone_cfg.depth == 101
    assert large.backbone.backbone_cfg.init_cfg.checkpoint.startswith('https://')
    assert light.backbone.type == 'MixVisionTransformer'
    assert light.init_cfg.checkpoint == 'net.pth' and 'init_cfg' not in large
    wrappers = cfg.optim_wrapper
    for name in ('light_generator', 'student_generator'):
        assert wrappers[name].optimizer.lr == 6e-4
        assert wrappers[name].paramwise_cfg.custom_keys.backbone.lr_mult == 0.1
    cfg = settled(
        'heavy_teacher', network='bisenetv1_lite0', teacher_network='bisenetv1_r18'
    )
    assert cfg.model.generator.segmentor.backbone.backbone_cfg.depth == 18
    assert cfg.optim_wrapper.light_generator.optimizer.lr == 2e-3
    assert cfg.optim_wrapper.student_generator.optimizer.lr == 6e-4
    assert cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53]


def test_another_recipe_takes_the_settings(settled, tmp_path):
    settled('mpl', init=INIT)
    cfg = load_config(tmp_path / 'my.py', recipe='source_only')
    assert cfg.model.type == 'EncoderDecoder'
    assert cfg.model.decode_head.num_classes == 3
    assert cfg.filename == str(tmp_path / 'my.py')


def test_what_is_gone_on_from_is_that_of_adapt(settled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = settled('mpl')
    starts = [cfg.model.generator.segmentor, cfg.model.discriminator]
    assert {start.init_cfg.checkpoint for start in starts} == {
        'work_dirs/my/dsc/epoch_10.pth'
    }
    with pytest.raises(PreflightError, match='make it with\\n  segda adapt .*my.py'):
        settle_initial_checkpoints(cfg)


def test_a_plan_is_of_the_same_file(settled, tmp_path):
    plan = settled('naive_student', epochs=2, options=['teacher.checkpoint=t.pth'])
    assert plan.teacher == dict(config=str(tmp_path / 'my.py'), checkpoint='t.pth')
    assert plan.rounds[0].student.config == str(tmp_path / 'my.py')
    assert plan.unlabeled.target.images.type == 'FootageDataset'
    assert not plan.keys() & SETTINGS.keys()


def test_the_classes_of_a_source_become_ones_own(settled):
    camvid = settled('dsc', classes='camvid', source='minicity', network=None)
    drawn = camvid.train_dataloader.dataset.source
    assert drawn.type == 'DrawnStreetsDataset'
    assert drawn.class_map == CITYSCAPES_TO_CAMVID
    # The shipped map names all of both lists.
    assert list(CITYSCAPES_TO_CAMVID.values()).count('Car') == 4
    assert set(CITYSCAPES_TO_CAMVID) == set(CityscapesFineDataset.METAINFO['classes'])
    assert set(CITYSCAPES_TO_CAMVID.values()) == set(CamVidDataset.METAINFO['classes'])
    assert camvid.model.discriminator.num_classes == 11
    # Without classes, those of the drawn streets.
    drawn = settled(source='minicity', classes='left out')
    assert drawn.model.discriminator.num_classes == 19
    # Others by name, the rest as is said.
    source = dict(
        images='i',
        labels='m',
        classes=['Road', 'SKY', 'van', 'tree'],
        class_map=dict(van='car', tree=None),
        ids=[1, 2, 3, 9],
        void=[0],
    )
    table = settled(source=source).train_dataloader.dataset.source.label_table
    assert table.ids == [[1, 0], [2, 2], [3, 1], [9, 255], [0, 255]]
    assert table.colors == []
    others = CITYSCAPES_TO_CAMVID.keys() - {'road', 'car', 'sky'}
    source = dict(
        SETTINGS['source'], classes='cityscapes', class_map=dict.fromkeys(others)
    )
    known = settled(source=source)
    table = known.train_dataloader.dataset.source.label_table
    assert dict(map(tuple, table.ids)).items() >= {7: 0, 26: 1, 23: 2, 8: 255}.items()


SOURCE = SETTINGS['source']


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(classes='left out'), 'lacks classes; write classes = dict'),
        (dict(source='left out'), 'lacks source; write source'),
        (dict(target=None), 'lacks target; write target'),
        (dict(classes='cityscape'), "classes='cityscape' is no class list; there are"),
        (dict(classes=dict(a=[1, 2, 3])), 'must be 2 to 254 classes'),
        (dict(classes=dict(a=[1, 2, 3], b=[0, 0, 256])), r'classes.b is \[0, 0, 256\]'),
        (dict(classes=dict(a=[1, 2, 3], b=[1, 2, 3])), 'one colour twice'),
        (dict(source=dict(images='i')), 'source must be a dict with images and labels'),
        (dict(source=dict(SOURCE, label='x')), 'source.label is not known'),
        (dict(source=dict(SOURCE, ids=[1, 2])), 'source.ids must be .* 3 classes'),
        (dict(source=dict(SOURCE, ids=[1, 2, 2])), 'one number twice'),
        (dict(source=dict(SOURCE, ids=dict(road=1))), 'look at car, sky'),
        (dict(source=dict(SOURCE, void=[-1])), 'source.void='),
        (dict(source=dict(SOURCE, read='palette')), "'ids' or 'colors'"),
        (dict(source=dict(SOURCE, classes=['road', 'ship'])), 'ship of source are'),
        (dict(source=dict(SOURCE, class_map=dict(a='b'))), 'needs source.classes'),
        (
            dict(source=dict(SOURCE, classes=['a', 'car'], class_map=dict(a='cra'))),
            "'cra', which is no class; did you mean car",
        ),
        (dict(source='minicity'), 'building, .* of source are none of yours'),
        (dict(size=(256,)), 'size must be width and height'),
        (dict(epochs=0), 'epochs must be a whole number from 1'),
        (dict(network='mmseg::segfomer_mit-b0'), 'did you mean segformer_mit-b0'),
        (dict(network='segda_mm::own/dsc.py'), 'must be a segmentor'),
        (dict(network=dict(type='EncoderDecoder')), 'must be a segmentor of mmseg'),
        (dict(network=7), 'network must be the name'),
        (dict(init=dict(head='skip')), 'init must be a dict with checkpoint'),
        (dict(more='taget = 1'), 'nothing reads taget; did you mean target'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence(settled, changes, words):
    with pytest.raises(PreflightError, match=words):
        settled(**changes)


def test_there_is_a_test_for_every_recipe():
    files = {path.stem for path in (config_root() / 'own').glob('*.py')}
    assert files == {*RECIPES, 'naive_student'}
    for name in RECIPES[1:]:
        after = Config.fromfile(config_root() / f'own/{name}.py').recipe.after
        assert after in files
