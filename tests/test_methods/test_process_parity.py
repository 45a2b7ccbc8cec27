"""Two processes against one with the same images in a step, and a dead one."""

import json
import signal
from pathlib import Path

import pytest
import torch

from segda_mm.testing.tiny_methods import tiny_method_config, write_tiny_world

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name('run_in_processes.py')
KILLED = -signal.SIGKILL

#: Of losses around 9 and of weights, in float64; 20 steps of MPL differ by 4e-10.
TOLERANCE = 1e-6

#: Seconds that the processes of run_in_processes.py wait for one that stands still.
TIMEOUT = 3


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('world')
    write_tiny_world(root)
    return root


def comparable_config(method, world, folder, steps):
    """A shipped config without what each process draws for itself.

    Dropout, mixing, masks and the noise of the UDA loss are seeded by process; all
    else is the method as it is, batch normalization in training mode included. The
    learning rate is small: at that of the config, batch normalization over the four
    values of a pooled map multiplies rounding errors by ten to a hundred in a step.
    """
    base = {'adversarial': 'pseudo_label', 'mpl_gradient': 'mpl'}.get(method, method)
    cfg = tiny_method_config(base, ROOT / 'configs', world)
    if method == 'mpl_gradient':
        cfg.model.feedback_rule = dict(type='GradientFeedback')
    if base == 'mpl':
        cfg.model.uda_probability, cfg.model.uda_sigma = 1.0, 0.0
    elif base == 'pseudo_label':
        # Without pseudo labels the step is that of Eq. 4.
        cfg.model.target_loss_weight = 0.0
        cfg.custom_hooks.pop()
        target = cfg.train_dataloader.dataset.target
        target.pipeline = [
            step for step in target.pipeline if step.type != 'LoadPseudoLabels'
        ]
    elif base != 'tent':
        cfg.model.mixing = cfg.model.augmentation = None
        if 'masking' in cfg.model:
            cfg.model.masking.ratio = 0.0
        if method == 'daformer':
            # Of the things none fills a cell of images so small.
            cfg.model.thing_classes = (0, 2, 13)
    networks = [cfg.model.generator.segmentor]
    if method == 'heavy_teacher':
        networks.append(cfg.model.light_generator.segmentor)
    for segmentor in networks:
        for head in (segmentor.decode_head, *segmentor.get('auxiliary_head', ())):
            head.dropout_ratio = 0.0
    pair = cfg.train_dataloader.dataset
    for dataset in [pair] if base == 'tent' else [pair.source, pair.target]:
        for step in dataset.get('dataset', dataset).pipeline:
            if 'scale' in step:
                step.scale = (64, 32)
    cfg.model_wrapper_cfg.process_wide_batch_norm = True
    for name, wrapper in cfg.optim_wrapper.items():
        if name.endswith('generator'):
            wrapper.optimizer.lr = 1e-3
    # 8 images, of tent 6, the whole batches of which are taken: 4 in each step of all.
    cfg.train_cfg.max_epochs = steps if base == 'tent' else steps // 2
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.interval = 1000
    file = folder / f'{method}.py'
    cfg.dump(file)
    return str(file)


SHORT, LONG = 4, 20
METHODS = (
    'adversarial',
    'mpl',
    'mpl_gradient',
    'mic',
    'daformer',
    'heavy_teacher',
    'tent',
)


@pytest.fixture(scope='module')
def configs(world, tmp_path_factory):
    """Make the config of a method, with a number of steps."""
    return lambda method, steps: comparable_config(
        method, world, tmp_path_factory.mktemp('configs'), steps
    )


def both_trainings(config, out):
    """A training in one process and in two, with four images in each step."""
    return [
        dict(
            kind='train',
            config=config,
            out=str(out / str(world_size)),
            world_size=world_size,
            options={'train_dataloader.batch_size': 4 // world_size},
        )
        for world_size in (1, 2)
    ]


def check_equal(folder, steps):
    """See that two processes did what one did."""
    one, first, second = (
        torch.load(folder / name, weights_only=True)
        for name in ('1/figures_0.pth', '2/figures_0.pth', '2/figures_1.pth')
    )
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert len(one['steps']) == len(first['steps']) == steps
    worst = {}
    for alone, shared in zip(one['steps'], first['steps'], strict=True):
        assert alone.keys() == shared.keys()
        for key in alone:
            # The norms in it are those of each process's own gradients.
            if not key.endswith('gradient_ratio'):
                worst[key] = max(worst.get(key, 0), abs(alone[key] - shared[key]))
    assert max(worst.values()) < TOLERANCE, worst
    for key, value in one['weights'].items():
        torch.testing.assert_close(
            value, first['weights'][key], rtol=0, atol=TOLERANCE, msg=key
        )


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return tmp_path_factory.mktemp('runs')


@pytest.fixture(scope='module')
def ends(configs, root, semantic_job, run_jobs):
    """How all jobs of the quick tests ended, by name, and what they complained of."""
    jobs = {}
    for method in METHODS:
        trainings = both_trainings(configs(method, SHORT), root / method)
        jobs |= {f'{method}_{job["world_size"]}': job for job in trainings}
    dying = dict(world_size=2, failure='SIGKILL')
    jobs['dead_training'] = dict(jobs['adversarial_2'], out=str(root / 'dead'), **dying)
    # Its workers keep the dead process's connections open for some seconds.
    jobs['dead_training']['options'] = {'train_dataloader.num_workers': 1}
    jobs['dead_labelling'] = dict(
        semantic_job, kind='label', out=str(root / 'labels'), **dying
    )
    for world_size in (1, 2):
        jobs[f'evaluate_{world_size}'] = dict(
            kind='evaluate',
            out=str(root / f'evaluate_{world_size}'),
            world_size=world_size,
        )
    jobs['standing'] = dict(
        jobs['evaluate_2'], out=str(root / 'standing'), failure='SIGSTOP'
    )
    ended, errors = run_jobs(SCRIPT, list(jobs.values()))
    return dict(zip(jobs, ended, strict=True)), errors


@pytest.mark.parametrize('method', METHODS)
def test_two_processes_train_as_one(ends, root, method):
    ended, errors = ends
    assert ended[f'{method}_1'][0] == [0], errors
    assert ended[f'{method}_2'][0] == [0, 0], errors
    check_equal(root / method, SHORT)


@pytest.mark.slow
@pytest.mark.parametrize('method', ['adversarial', 'mpl'])
def test_twenty_steps(configs, tmp_path, method, run_jobs):
    jobs = both_trainings(configs(method, LONG), tmp_path)
    ended, errors = run_jobs(SCRIPT, jobs, timeout=1200)
    assert [codes for codes, _ in ended] == [[0], [0, 0]], errors
    check_equal(tmp_path, LONG)


def test_metrics_count_every_image_once(ends, root):
    ended, errors = ends
    assert ended['evaluate_2'][0] == [0, 0], errors
    one, first, second = (
        json.loads((root / name).read_text())
        for name in (
            'evaluate_1/figures_0.json',
            'evaluate_2/figures_0.json',
            'evaluate_2/figures_1.json',
        )
    )
    assert one['whole'].keys() >= {'pixel_precision', 'mIoU', 'IoU.d'}
    # In one process the eighth image, the first again, is left out as well.
    assert one['padded'] == one['whole'] == first['whole']
    assert first == second == one


@pytest.mark.parametrize(
    ('job', 'least'),
    [('dead_training', 0), ('dead_labelling', 0), ('standing', TIMEOUT)],
)
def test_a_dead_process_ends_the_other(ends, job, least):
    """The timeout without `env_cfg.dist_cfg.timeout` is half an hour."""
    ended, errors = ends
    codes, seconds = ended[job]
    assert codes == [1, KILLED], errors
    assert least <= seconds < 120
