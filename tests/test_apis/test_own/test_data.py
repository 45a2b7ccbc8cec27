"""From the few settings of a file about own data to a whole config."""

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from segda_mm.apis import load_config
from segda_mm.apis.checks.preflight import settle_initial_checkpoints
from segda_mm.apis.config_files import config_root
from segda_mm.apis.own.class_tables import (
    CITYSCAPES_TO_CAMVID,
    classes_of_checkpoint,
    read_classes,
)
from segda_mm.apis.own.settings import SOURCE_FREE
from segda_mm.datasets import CamVidDataset, CityscapesFineDataset
from segda_mm.errors import PreflightError

RECIPES = ('source_only', 'dsc', 'fcd', 'pseudo_label', 'mpl', 'mean_teacher', 'mic')
#: These look at the target alone, whether there is a source or not.
TARGET_ALONE = ('batch_norm', 'tent', 'own_medians')
SETTINGS = dict(
    classes=dict(road=[128, 64, 128], car=[0, 0, 142], sky=[70, 130, 180]),
    source=dict(images='my/images', labels='my/masks'),
    target=dict(images=['my_target/', 'drive.mp4']),
    val=None,
    size=(256, 128),
    epochs=10,
    network='bisenetv1_r18',
)
SOURCE = SETTINGS['source']
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


@pytest.fixture
def zoo_file(tmp_path, monkeypatch):
    """A checkpoint as MMSegmentation's zoo has them, but for its weights."""
    monkeypatch.chdir(tmp_path)
    meta = dict(CLASSES=('road', 'sky'), PALETTE=[[128, 64, 128], [70, 130, 180]])
    content = dict(
        meta=meta,
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1]))),
        state_dict={'backbone.weight': torch.ones(1)},
    )
    torch.save(content, tmp_path / 'zoo.pth')
    return 'zoo.pth'


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


@pytest.mark.parametrize('recipe', [*SOURCE_FREE, 'plan'])
def test_without_a_source_the_target_is_all_there_is(settled, zoo_file, recipe):
    """Also of the networks of a plan, whose labels come with its images."""
    changes = dict(classes='left out', source=None, init=zoo_file, size=(128, 64))
    cfg = settled('naive_student' if recipe == 'plan' else recipe, **changes)
    if recipe == 'naive_student':
        assert cfg.teacher.checkpoint == zoo_file
        assert not cfg.mix_labeled and not cfg.evaluation.judged
        return
    if recipe == 'plan':
        cfg = load_config('my.py', recipe='source_only')
    trained = cfg.train_dataloader.dataset
    steps = [step.type for step in trained.pipeline]
    assert trained.type == cfg.test_dataloader.dataset.type == 'FootageDataset'
    assert trained.metainfo.classes == ['road', 'sky']
    assert trained.metainfo.palette == [[128, 64, 128], [70, 130, 180]]
    assert ('LoadLabelIds' in steps) == (recipe == 'plan')
    assert ('LoadPseudoLabels' in steps) == (recipe == 'own_medians')
    assert set(entries(cfg.model, 'num_classes')) == {2}
    assert not {*entries(cfg.model, 'mixing')} - {None}
    (start,) = (e for e in entries(cfg.model, 'init_cfg') if e and 'head' in e)
    assert (start.checkpoint, start.head) == (zoo_file, 'load')
    for hook in cfg.custom_hooks:
        images = hook.dataloader.dataset
        assert images.type == 'FootageDataset'
        assert [step.type for step in images.pipeline] == [
            *('LoadImageFromFile', 'Resize', 'PackSegInputs'),
        ]
    epochs, decays = (1, []) if recipe == 'batch_norm' else (10, [11])
    assert cfg.train_cfg.max_epochs == epochs
    assert [decay.end for decay in cfg.param_scheduler] == decays
    # With labelled images of the target, these are what is judged.
    val = settled(recipe.replace('plan', 'mic'), **changes, val=SOURCE)
    assert val.val_dataloader.dataset.type == 'MaskedImagesDataset'


@pytest.mark.parametrize('recipe', TARGET_ALONE)
def test_with_a_source_they_go_on_from_a_training_on_it(settled, recipe):
    cfg = settled(recipe)
    assert cfg.train_dataloader.dataset.type == 'FootageDataset'
    assert cfg.test_dataloader.dataset.type == 'MaskedImagesDataset'
    assert cfg.model.generator.segmentor.init_cfg.checkpoint.endswith(
        'source_only/epoch_10.pth'
    )


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
        (
            dict(source=None, init=INIT),
            'recipe dsc learns from one; .* one of batch_norm, tent',
        ),
        (dict(recipe='tent', source=None, init=INIT), 'nothing would teach them'),
        (dict(recipe='tent', source=None), 'lacks source; .*or init = dict'),
        (
            dict(recipe='tent', source=None, init='gone.pth', classes=None),
            'init.checkpoint: checkpoint gone.pth does not exist',
        ),
        (dict(recipe='tent', source=None, init=7), 'init must be a dict with'),
        (dict(more='taget = 1'), 'nothing reads taget; did you mean target'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence(settled, changes, words):
    with pytest.raises(PreflightError, match=words):
        settled(**changes)


def test_there_is_a_test_for_every_recipe():
    files = {path.stem for path in (config_root() / 'own').glob('*.py')}
    assert files == {*RECIPES, *TARGET_ALONE, 'heavy_teacher', 'naive_student'}
    recipes = {
        name: Config.fromfile(config_root() / f'own/{name}.py').recipe for name in files
    }
    assert {recipe.get('after', 'source_only') for recipe in recipes.values()} <= files
    assert {name for name in files if recipes[name].get('source_free')} == {
        *SOURCE_FREE
    }


def test_classes_that_a_checkpoint_does_not_tell_are_asked_for(tmp_path):
    file = str(tmp_path / 'net.pth')
    content = dict(state_dict={'backbone.weight': torch.ones(1)})
    torch.save(content, file)
    with pytest.raises(PreflightError, match='does not name the classes'):
        classes_of_checkpoint(file)
    # Without colours of their own, classes get some.
    torch.save(dict(content, meta=dict(CLASSES=('road', 'sky'))), file)
    assert read_classes(classes_of_checkpoint(file)).names == ['road', 'sky']
