from pathlib import Path

import pytest

from segda_mm.apis import PreflightError, load_config
from segda_mm.apis.runner import build_runner

#: Not the images that the validation looks at.
SOURCE = dict(img_path='images/train', seg_map_path='labels/train')


def hook(dataset):
    return dict(
        type='SourceValidationHook',
        dataloader=dict(batch_size=2, num_workers=0, dataset=dataset),
        evaluator=[dict(type='PerClassIoUMetric'), dict(type='PixelPrecision')],
    )


def test_figures_are_those_of_an_evaluation(street):
    dataset = load_config(street.config).val_dataloader.dataset
    dataset.data_prefix = SOURCE
    runner = street.train('source', [hook(dataset)])
    logged = {
        name.removeprefix('val/'): values.current()
        for name, values in runner.message_hub.log_scalars.items()
        if name.startswith('val/')
    }

    options = {'test_dataloader.dataset.data_prefix': SOURCE}
    cfg = load_config(street.config, options, street.folder / 'tested')
    cfg.load_from = str(Path(runner.work_dir, 'epoch_2.pth'))
    expected = build_runner(cfg).test()
    assert expected.keys() >= {'mIoU', 'aAcc', 'IoU.road'}
    for name, value in expected.items():
        assert logged[f'source_{name}'] == pytest.approx(value, nan_ok=True)
    assert logged['aAcc'] != logged['source_aAcc']


def test_images_without_labels_are_refused(street):
    with pytest.raises(PreflightError, match='images without labels; put LoadLabelIds'):
        street.train('refused', [hook(street.images)])
