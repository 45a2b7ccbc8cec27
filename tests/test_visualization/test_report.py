"""What a run has logged is read once, and drawn where it belongs."""

import json
from pathlib import Path

import pytest
from lxml import html

from segda_mm.visualization.report import read_run, write_page


def write_rows(run, start, *rows):
    file = run / start / 'vis_data/scalars.json'
    file.parent.mkdir(parents=True)
    file.write_text('\n'.join(map(json.dumps, rows)) + '\n{"loss": 1.')


def trained(step, **figures):
    return dict(figures, step=step, iter=step, epoch=1, time=2.0)


@pytest.fixture
def run(tmp_path):
    """Killed after iteration 25 and resumed at 11, with labels of two epochs."""
    early = [trained(n, loss=9.0, **{'pseudo.kept_ratio': 0.4}) for n in (10, 20, 25)]
    late = {'discriminator.accuracy_source': 0.9, 'discriminator.accuracy_target': 0.8}
    write_rows(tmp_path, '20260101_000000', *early, dict(mIoU=5.0, step=1))
    write_rows(
        tmp_path,
        '20260102_000000',
        trained(20, loss=3.0, **late),
        dict(step=2, mIoU=float('nan'), **{'IoU.road': 7.0}),
        trained(30, loss=2.0, **late),
    )
    for epoch, kept in ((0, 0.25), (1, 0.5)):
        part = dict(name='road', pixels=60, images=2, kept_share=kept, threshold=0.75)
        folder = tmp_path / f'pseudo_labels/epoch_{epoch}'
        folder.mkdir(parents=True)
        manifest = dict(area=100, void_share=1 - kept, classes=[part])
        (folder / 'manifest.json').write_text(json.dumps(manifest))
    return tmp_path


def test_a_resumed_run_replaces_what_it_repeats(run):
    found = read_run(run, {}, Path('epoch_2.pth'))
    assert found.training['loss'] == [(10, 9.0), (20, 3.0), (30, 2.0)]
    assert found.validation == {'mIoU': [(1, 5.0)], 'IoU.road': [(2, 7.0)]}
    assert found.per_class_iou == {'road': 7.0}
    assert found.seconds == 60


def test_every_curve_has_its_chart(run, tmp_path):
    write_page(tmp_path / 'page.html', 'two', [read_run(run, {}, Path('epoch_2.pth'))])
    page = html.parse(tmp_path / 'page.html')
    for name, count in (
        ('loss: loss', 3),
        ('discriminator: source', 2),
        ('discriminator: target', 2),
        ('pseudo labels: pseudo.kept_ratio', 1),
    ):
        (path,) = page.xpath(f'//g[@id="{name}"]/path[@d]')
        assert len(path.get('d').replace('L', 'M').split('M')) - 1 == count
    table = page.xpath('//h3[contains(., "epoch 1: 50.0% void")]/following::table[1]')
    cells = table[0].xpath('.//td/text()')
    assert cells == ['road', '60.0%', '2', '50.0%', '0.750']


@pytest.mark.parametrize(
    ('best', 'name', 'text'),
    [
        (None, 'epoch_2', 'the last one'),
        ('mIoU', 'epoch_2', 'the last one'),
        ('mIoU', 'best_mIoU_epoch_1', 'best mIoU .*Labels of the validation images'),
        ('source_mIoU', 'best_source_mIoU_iter_9', 'No label of the target'),
        ('target_information', 'best_target_information_epoch_1', 'No label'),
    ],
)
def test_the_rule_that_chose_the_checkpoint(tmp_path, best, name, text):
    cfg = dict(default_hooks=dict(checkpoint=dict(save_best=best)))
    choice = read_run(tmp_path, cfg, Path(f'{name}.pth')).choice
    assert all(part in choice for part in text.split(' .*')), choice
