"""Figures and statistics of two processes against those of one."""

from pathlib import Path

import pytest
import torch

from segda_mm.apis import load_config
from segda_mm.apis.runner import build_runner
from segda_mm.testing.run_results import find_difference

SCRIPT = Path(__file__).with_name('measure_in_processes.py')


def hooks_of(street):
    return [
        dict(type='TargetEntropyHook', dataloader=street.dataloader),
        dict(type='TeacherStudentAgreementHook', dataloader=street.dataloader),
        # Three images.
        dict(
            type='SourceValidationHook',
            dataloader=load_config(street.config).val_dataloader.to_dict(),
            evaluator=dict(type='PerClassIoUMetric'),
        ),
    ]


@pytest.fixture(scope='module')
def work_dir(street, run_script):
    """Of a training in two processes, which have three and two target images."""
    adaptive = dict(type='AdaptiveBatchNormHook', dataloader=street.dataloader)
    job = dict(
        config=str(street.mpl),
        out=str(street.folder / 'two'),
        options={
            'train_cfg.max_epochs': 1,
            'model_wrapper_cfg': dict(type='PassThroughDistributed'),
        },
        hooks=[*hooks_of(street), adaptive],
        world_size=2,
    )
    ends, stderr = run_script(SCRIPT, [job])
    assert ends == [0, 0], stderr
    return street.folder / 'two'


@pytest.fixture(scope='module')
def processes(work_dir):
    return [
        torch.load(work_dir / f'process_{rank}.pth', weights_only=False)
        for rank in range(2)
    ]


def test_both_processes_have_the_same(processes):
    assert find_difference(*processes) is None


def test_figures_are_those_of_one_process(street, work_dir, processes):
    cfg = load_config(street.mpl, work_dir=street.folder / 'one')
    cfg.custom_hooks = hooks_of(street)
    cfg.load_from = str(work_dir / 'epoch_1.pth')
    expected = build_runner(cfg).val()
    figures = processes[0]['figures']
    assert {name.removeprefix('val/') for name in figures} == expected.keys()
    for name, value in expected.items():
        assert figures[f'val/{name}'] == pytest.approx(value, abs=0.01, nan_ok=True)
    for name in ('target_entropy', 'target_diversity', 'teacher_student_agreement'):
        assert figures[f'val/{name}'] == pytest.approx(expected[name], abs=1e-5)


def test_statistics_are_over_the_images_of_both(street, work_dir, processes):
    model = street.network(street.mpl, work_dir / 'epoch_1.pth')
    name = 'student_generator.segmentor.backbone.spatial_path.layer1'
    # No other layer normalises before the first.
    convolution = model.get_submodule(name).conv
    with torch.no_grad():
        values = torch.cat([convolution(street.inputs(f)) for f in street.files])
    values = values.movedim(1, 0).flatten(1)
    weights = processes[1]['weights']
    torch.testing.assert_close(
        weights[f'{name}.bn.running_mean'], values.mean(1), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(
        weights[f'{name}.bn.running_var'], values.var(1), rtol=1e-4, atol=1e-5
    )
