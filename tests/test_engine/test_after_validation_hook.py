"""What all hooks after a validation share: refusals, and no trace in training."""

import re
from pathlib import Path

import pytest

from segda_mm.apis import PreflightError, load_config, train
from segda_mm.testing.run_results import find_difference, trained_state

PAGE = Path(__file__).parents[2] / 'docs' / 'choosing_checkpoints.md'
NO_VALIDATION = dict.fromkeys(('val_dataloader', 'val_cfg', 'val_evaluator'))


def of_training(checkpoint):
    """What training, without the validations, leaves in a checkpoint."""
    state = trained_state(checkpoint)
    state['logs'] = {
        name: values
        for name, values in state['logs'].items()
        if name.startswith('train/')
    }
    return state


def source(street):
    return dict(load_config(street.config).val_dataloader)


def all_hooks(street):
    return [
        dict(type='TargetEntropyHook', dataloader=street.dataloader),
        dict(
            type='SourceValidationHook',
            dataloader=source(street),
            evaluator=dict(type='PerClassIoUMetric'),
        ),
    ]


def test_training_is_that_without_hooks(street):
    plain = street.train('plain', [])
    hooked = street.train('hooked', all_hooks(street))
    epochs = [
        of_training(Path(runner.work_dir, 'epoch_2.pth')) for runner in (plain, hooked)
    ]
    assert 'train/loss' in epochs[0]['logs']
    assert find_difference(*epochs) is None


def test_a_loop_that_seeds_nothing_draws_the_same_numbers(street):
    options = {
        'train_cfg': dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=2),
        'train_dataloader.sampler': dict(type='DefaultSampler', shuffle=True),
        # Each step draws for its dropout, and nobody seeds it.
        'model.decode_head.dropout_ratio': 0.5,
    }
    states = [
        of_training(Path(street.train(name, hooks, options).work_dir, 'epoch_2.pth'))
        for name, hooks in (('free', []), ('free_hooked', all_hooks(street)))
    ]
    assert find_difference(*states) is None


@pytest.mark.parametrize(
    'kind', ['TargetEntropyHook', 'TeacherStudentAgreementHook', 'SourceValidationHook']
)
def test_a_training_without_validation_is_refused(street, kind):
    hook = dict(type=kind, dataloader=street.dataloader)
    if kind == 'SourceValidationHook':
        hook['evaluator'] = dict(type='PerClassIoUMetric')
    with pytest.raises(PreflightError, match=f'{kind} measures after .*val_evaluator'):
        street.train('refused', [hook], NO_VALIDATION)


@pytest.mark.parametrize(
    'kind',
    ['TargetEntropyHook', 'AdaptiveBatchNormHook', 'MedianThresholdPseudoLabelHook'],
)
def test_absent_images_are_named(street, kind):
    images = dict(street.images, images=str(street.folder / 'gone'))
    hook = dict(type=kind, dataloader=dict(street.dataloader, dataset=images))
    with pytest.raises(PreflightError) as caught:
        street.train('absent', [dict(type='AdversarialHealthHook'), hook])
    first, folder, expected = str(caught.value).splitlines()
    assert first == 'the data of custom_hooks.1.dataloader are not there.'
    assert folder.endswith(str(street.folder / 'gone'))
    assert 'what belongs there: images' in expected
    assert not Path(street.folder, 'absent').exists()


@pytest.mark.parametrize('kind', ['TargetEntropyHook', 'AdaptiveBatchNormHook'])
def test_data_loaders_without_images_are_named(street, kind):
    too_large = dict(street.dataloader, batch_size=6, drop_last=True)
    with pytest.raises(
        PreflightError,
        match=f'{kind}.dataloader has no batch: .* 5 images, batch_size is 6',
    ):
        street.train('refused', [dict(type=kind, dataloader=too_large)])
    with pytest.raises(PreflightError, match=f'{kind}.dataloader has no `dataset`'):
        street.train('refused', [dict(type=kind, dataloader=dict(batch_size=2))])


@pytest.mark.parametrize('kind', ['TargetEntropyHook', 'AdaptiveBatchNormHook'])
def test_an_image_that_cannot_be_read_is_named_before_training(street, kind):
    broken = street.folder / 'broken' / '0.png'
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes(street.files[0].read_bytes()[:60])
    images = dict(street.images, images=str(broken.parent))
    hook = dict(type=kind, dataloader=dict(street.dataloader, dataset=images))
    with pytest.raises(PreflightError, match=rf'{broken}: image cannot be decoded'):
        street.train('refused', [hook])


def test_the_examples_of_the_page_can_be_trained(street, monkeypatch):
    (street.folder / 'my_street').mkdir()
    for file in street.files:
        (street.folder / 'my_street' / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(street.folder)
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text('utf-8'), re.S)
    assert len(blocks) == 5
    given = dict(
        source_val_dataset=source(street)['dataset'].to_dict(),
        target_dataloader=street.dataloader,
    )
    chosen_by = []
    for number, block in enumerate(blocks):
        base = street.mpl if 'TeacherStudent' in block else street.config
        config = base.with_name(f'page_{number}.py')
        variables = [
            f'{name} = {value!r}' for name, value in given.items() if name in block
        ]
        config.write_text('\n'.join([f"_base_ = './{base.name}'", *variables, block]))
        cfg = load_config(config, {'train_cfg.max_epochs': 1}, street.folder / 'page')
        for file in Path(train(cfg).work_dir).glob('best_*'):
            chosen_by.append(re.match('best_(.*)_epoch', file.name)[1])
            file.unlink()
    assert chosen_by == ['target_information', 'teacher_student_mIoU', 'source_mIoU']
