"""Figures of the validation hooks against other libraries, and no trace in training."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchmetrics.functional.classification import multiclass_jaccard_index

from segda_mm.apis import PreflightError, build_runner, load_config, train
from segda_mm.testing.run_results import find_difference, trained_state

PAGE = Path(__file__).parents[3] / 'docs' / 'choosing_checkpoints.md'
NO_VALIDATION = dict.fromkeys(('val_dataloader', 'val_cfg', 'val_evaluator'))
#: Small steps, whose figures differ from epoch to epoch.
CHOSEN_BY_ENTROPY = {
    'default_hooks.checkpoint': dict(save_best='target_entropy', rule='less'),
    'optim_wrapper.optimizer.lr': 0.1,
}
#: Nobody seeds its samples, nor the dropout of its steps.
UNSEEDED = {
    'train_cfg': dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=2),
    'train_dataloader.sampler': dict(type='DefaultSampler', shuffle=True),
    'model.decode_head.dropout_ratio': 0.5,
}
#: The job of the toy trains on these images, and validates on others.
SOURCE = dict(img_path='images/train', seg_map_path='labels/train')


def entropy_hook(street):
    return dict(type='TargetEntropyHook', dataloader=street.dataloader)


def agreement_hook(street):
    return dict(type='TeacherStudentAgreementHook', dataloader=street.dataloader)


def source_hook(street, dataset=None):
    dataset = dataset or load_config(street.config).val_dataloader.dataset.to_dict()
    return dict(
        type='SourceValidationHook',
        dataloader=dict(batch_size=2, num_workers=0, dataset=dataset),
        evaluator=[dict(type='PerClassIoUMetric'), dict(type='PixelPrecision')],
    )


def measuring(street):
    return [entropy_hook(street), agreement_hook(street), source_hook(street)]


def logged(runner, name):
    return runner.message_hub.get_scalar(f'val/{name}').data[0].tolist()


def of_images(street, network):
    """Upsampled logits of the 40x48 pixels of all images, that are no padding."""
    logits = []
    for file in street.files:
        inputs = street.inputs(file)
        assert inputs.shape[2:] == (64, 64)
        with torch.no_grad():
            small = network(inputs, mode='tensor')
        full = torch.nn.functional.interpolate(small, size=(64, 64), mode='bilinear')
        logits.append(full[:, :, :40, :48])
    return torch.cat(logits)


def test_training_is_that_without_hooks(street):
    states = []
    for hooks in ([], [entropy_hook(street), source_hook(street)]):
        runner = street.train(f'unseeded_{len(hooks)}', hooks, UNSEEDED)
        state = trained_state(Path(runner.work_dir, 'epoch_2.pth'))
        logs = {k: v for k, v in state['logs'].items() if k.startswith('train/')}
        states.append(dict(state, logs=logs))
    assert 'train/loss' in states[0]['logs']
    assert find_difference(*states) is None


def test_entropies_equal_numpy_and_choose_the_checkpoint(street):
    runner = street.train('entropy', [entropy_hook(street)], CHOSEN_BY_ENTROPY)
    entropies = logged(runner, 'target_entropy')
    assert len(set(entropies)) == 2
    for epoch in range(2):
        file = Path(runner.work_dir, f'epoch_{epoch + 1}.pth')
        logits = of_images(street, street.network(street.config, file))
        shares = logits.double().softmax(1).movedim(1, 0).reshape(3, -1).numpy()
        mean = shares.mean(1)
        entropy = -(shares * np.log(shares)).sum(0).mean() / np.log(3)
        diversity = -(mean * np.log(mean)).sum() / np.log(3)
        figures = dict(
            entropy=entropy, diversity=diversity, information=diversity - entropy
        )
        for name, value in figures.items():
            figure = logged(runner, f'target_{name}')[epoch]
            assert figure == pytest.approx(value, abs=1e-5)
    (best,) = Path(runner.work_dir).glob('best_*')
    assert best.name == f'best_target_entropy_epoch_{1 + np.argmin(entropies)}.pth'
    (file,) = Path(runner.work_dir).rglob('scalars.json')
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert entropies == [row['target_entropy'] for row in rows if 'mIoU' in row]


def test_agreement_equals_another_library(street):
    hooks = [agreement_hook(street)]
    runner = street.train('agreement', hooks, config=street.mpl)
    for epoch in range(2):
        model = street.network(
            street.mpl, Path(runner.work_dir, f'epoch_{epoch + 1}.pth')
        )
        teacher, student = (
            of_images(street, model.get_submodule(f'{role}_generator.segmentor'))
            for role in ('teacher', 'student')
        )
        teacher, student = teacher.argmax(1), student.argmax(1)
        share = float((teacher == student).float().mean())
        assert 0 < share < 1
        agreement = logged(runner, 'teacher_student_agreement')[epoch]
        assert agreement == pytest.approx(share, abs=1e-3)
        expected = multiclass_jaccard_index(teacher, student, 3, average='macro')
        mean_iou = logged(runner, 'teacher_student_mIoU')[epoch]
        assert mean_iou == pytest.approx(100 * float(expected), abs=0.1)


def test_source_figures_are_those_of_an_evaluation(street):
    dataset = load_config(street.config).val_dataloader.dataset
    dataset.data_prefix = SOURCE
    runner = street.train('source', [source_hook(street, dataset.to_dict())])
    options = {'test_dataloader.dataset.data_prefix': SOURCE}
    cfg = load_config(street.config, options, street.folder / 'tested')
    cfg.load_from = str(Path(runner.work_dir, 'epoch_2.pth'))
    expected = build_runner(cfg).test()
    assert expected.keys() >= {'mIoU', 'aAcc', 'IoU.road'}
    for name, value in expected.items():
        figure = logged(runner, f'source_{name}')[-1]
        assert figure == pytest.approx(value, nan_ok=True)
    assert logged(runner, 'aAcc')[-1] != logged(runner, 'source_aAcc')[-1]


@pytest.fixture(scope='module')
def two_processes(street, run_elsewhere):
    """Of a training in two processes, which have three and two target images."""
    adaptive = dict(type='AdaptiveBatchNormHook', dataloader=street.dataloader)
    job = dict(
        config=str(street.mpl),
        work_dir=str(street.folder / 'two'),
        world_size=2,
        # Of the source there are three images.
        hooks=[*measuring(street), adaptive],
        **{'train_cfg.max_epochs': 1},
    )
    assert run_elsewhere(job) == [[0, 0]], run_elsewhere.stderr
    return [
        torch.load(street.folder / 'two' / f'process_{rank}.pth', weights_only=True)
        for rank in range(2)
    ]


def test_figures_of_two_processes_are_those_of_one(street, two_processes):
    assert find_difference(*two_processes) is None
    cfg = load_config(street.mpl, work_dir=street.folder / 'one')
    cfg.custom_hooks = measuring(street)
    cfg.load_from = str(street.folder / 'two' / 'epoch_1.pth')
    expected = build_runner(cfg).val()
    figures = two_processes[0]['figures']
    assert {name.removeprefix('val/') for name in figures} == expected.keys()
    for name, value in expected.items():
        # Metrics in percent are rounded to two digits.
        tolerance = 1e-5 if name.startswith('target') else 0.01
        assert figures[f'val/{name}'] == pytest.approx(
            value, abs=tolerance, nan_ok=True
        )


def test_adapted_statistics_are_over_the_images_of_both(street, two_processes):
    model = street.network(street.mpl, street.folder / 'two' / 'epoch_1.pth')
    name = 'student_generator.segmentor.backbone.spatial_path.layer1'
    # No other layer normalises before the first.
    convolution = model.get_submodule(name).conv
    with torch.no_grad():
        values = torch.cat([convolution(street.inputs(f)) for f in street.files])
    values = values.movedim(1, 0).flatten(1)
    weights = two_processes[1]['weights']
    for buffer, moment in (('mean', values.mean(1)), ('var', values.var(1))):
        torch.testing.assert_close(
            weights[f'{name}.bn.running_{buffer}'], moment, rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    'hook, options, message',
    [
        (entropy_hook, NO_VALIDATION, 'Entropy.*measures after .*val_evaluator'),
        (
            agreement_hook,
            {},
            "model.type='EncoderDecoder' has no teacher_generator and no "
            'student_generator; use .* custom_hooks',
        ),
        (
            lambda street: source_hook(street, street.images),
            {},
            'images without labels; put LoadLabelIds',
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(street, hook, options, message):
    with pytest.raises(PreflightError, match=message):
        street.train('refused', [hook(street)], options)


@pytest.mark.parametrize(
    'kind', ['TargetEntropyHook', 'MedianThresholdPseudoLabelHook']
)
def test_absent_images_are_named(street, kind):
    images = dict(street.images, images=str(street.folder / 'gone'))
    hook = dict(type=kind, dataloader=dict(street.dataloader, dataset=images))
    with pytest.raises(PreflightError) as caught:
        street.train('absent', [dict(type='AdversarialHealthHook'), hook])
    first, folder, _ = str(caught.value).splitlines()
    assert first == 'the data of custom_hooks.1.dataloader are not there.'
    assert folder.endswith(str(street.folder / 'gone'))


def test_bad_data_loaders_are_named_before_training(street):
    broken = street.folder / 'broken' / '0.png'
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes(street.files[0].read_bytes()[:60])
    images = dict(street.images, images=str(broken.parent))
    uneven = street.folder / 'uneven'
    uneven.mkdir(exist_ok=True)
    for number, size in enumerate([(64, 32), (64, 40)]):
        Image.new('RGB', size).save(uneven / f'{number}.png')
    mixed = dict(street.images, images=str(uneven))
    for message, loader in (
        (
            'Hook.dataloader has no batch: .* 5 images, batch_size is 6',
            dict(street.dataloader, batch_size=6, drop_last=True),
        ),
        ('Hook.dataloader has no `dataset`', dict(batch_size=2)),
        (
            "custom_hooks.0.dataloader cannot be built: TypeError: .*'batchsize'",
            dict(street.dataloader, batchsize=2),
        ),
        (
            r'Hook.dataloader.batch_size is 2, .*/0.png \(64x32\) and .*\(64x40\)',
            dict(street.dataloader, dataset=mixed),
        ),
        (f'{broken}: image cannot be decoded', dict(street.dataloader, dataset=images)),
    ):
        with pytest.raises(PreflightError, match=message):
            hook = dict(type='TargetEntropyHook', dataloader=loader)
            street.train('refused', [hook])


def test_the_examples_of_the_page_can_be_trained(street, monkeypatch):
    (street.folder / 'my_street').symlink_to(street.files[0].parent)
    monkeypatch.chdir(street.folder)
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text('utf-8'), re.S)
    assert len(blocks) == 5
    given = dict(
        source_val_dataset=source_hook(street)['dataloader']['dataset'],
        target_dataloader=street.dataloader,
    )
    chosen_by = []
    for number, block in enumerate(blocks):
        base = street.mpl if 'TeacherStudent' in block else street.config
        config = base.with_name(f'page_{number}.py')
        variables = [f'{key} = {given[key]!r}' for key in given if key in block]
        config.write_text('\n'.join([f"_base_ = './{base.name}'", *variables, block]))
        work_dir = street.folder / f'page_{number}'
        train(load_config(config, {'train_cfg.max_epochs': 1}, work_dir))
        best = [file.name for file in work_dir.glob('best_*')]
        chosen_by += [re.match('best_(.*)_epoch', name)[1] for name in best]
    assert chosen_by == ['target_information', 'teacher_student_mIoU', 'source_mIoU']
