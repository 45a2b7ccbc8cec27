from pathlib import Path

import pytest
import torch
from torchmetrics.functional.classification import multiclass_jaccard_index

from segda_mm.apis import PreflightError


def hook(street):
    return dict(type='TeacherStudentAgreementHook', dataloader=street.dataloader)


def predictions(street, checkpoint, role):
    """Classes of the 40x48 pixels of all images, that are no padding."""
    model = street.network(street.mpl, checkpoint)
    segmentor = getattr(model, f'{role}_generator').segmentor
    labels = []
    for file in street.files:
        with torch.no_grad():
            logits = torch.nn.functional.interpolate(
                segmentor(street.inputs(file), mode='tensor'),
                size=(64, 64),
                mode='bilinear',
            )
        labels.append(logits.argmax(1)[:, :40, :48])
    return torch.stack(labels)


def test_figures_equal_another_library(street):
    options = {
        'default_hooks.checkpoint': dict(
            save_best='teacher_student_mIoU', rule='greater'
        )
    }
    runner = street.train('mpl', [hook(street)], options, config=street.mpl)
    hub = runner.message_hub
    for epoch in range(2):
        file = Path(runner.work_dir, f'epoch_{epoch + 1}.pth')
        teacher, student = (
            predictions(street, file, role) for role in ('teacher', 'student')
        )
        agreement, mean_iou = (
            hub.get_scalar(f'val/teacher_student_{name}').data[0][epoch]
            for name in ('agreement', 'mIoU')
        )
        share = float((teacher == student).float().mean())
        assert 0 < share < 1
        assert agreement == pytest.approx(share, abs=1e-3)
        expected = multiclass_jaccard_index(teacher, student, 3, average='macro')
        assert mean_iou == pytest.approx(100 * float(expected), abs=0.1)
    assert list(Path(runner.work_dir).glob('best_teacher_student_mIoU_epoch_*.pth'))


def test_a_model_without_both_is_refused(street):
    with pytest.raises(
        PreflightError,
        match="model.type='EncoderDecoder' has no teacher_generator and no "
        'student_generator; use .* custom_hooks',
    ):
        street.train('refused', [hook(street)])
