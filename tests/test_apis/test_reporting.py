"""The report's figures are those of the run's files, and its page works."""

import json
import re
import shutil
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from lxml import html
from PIL import Image

from segda_mm import evaluate, load_config, report, train
from segda_mm.apis import PreflightError
from segda_mm.testing.toy_job import write_toy_job


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """A run that was resumed at its end and evaluated, and one that started from it."""
    folder = tmp_path_factory.mktemp('report')
    config = write_toy_job(folder)
    first, second = folder / 'runs/first', folder / 'runs/second'
    train(load_config(config, work_dir=first))
    train(load_config(config, work_dir=first), resume='auto')
    evaluate(load_config(config, work_dir=first), first / 'epoch_2.pth', confusion=True)
    options = {
        'load_from': str(first / 'epoch_2.pth'),
        'default_hooks.checkpoint': dict(type='SafeCheckpointHook', save_best='mIoU'),
    }
    train(load_config(config, options, second))
    return folder / 'runs'


def page_of(file):
    return html.fromstring(Path(file).read_text('utf-8'))


def curve_of(page, name):
    """Points of a drawn curve, in the units of the drawing."""
    (group,) = page.xpath(f'//g[@id="{name}"]')
    (path,) = group.xpath('./path[@d]')
    numbers = re.findall(r'-?\d+\.?\d*', path.get('d'))
    return np.array(numbers, float).reshape(-1, 2)


def scalars(run):
    rows = {}
    for file in sorted(run.glob('*/vis_data/scalars.json')):
        for row in map(json.loads, file.read_text().splitlines()):
            rows['iter' in row, row['step']] = row
    return [rows[key] for key in sorted(rows, reverse=True) if key[0]][::-1], [
        rows[key] for key in sorted(rows) if not key[0]
    ]


def test_one_run(runs):
    out = report(runs / 'first')
    assert out == runs / 'first/report.html'
    page = page_of(out)
    trained, validated = scalars(runs / 'first')
    assert [row['step'] for row in trained] == [1, 2, 3, 4]
    for name, values, key in (
        ('loss: loss', trained, 'loss'),
        ('loss: decode.loss_ce', trained, 'decode.loss_ce'),
        ('mIoU: first', validated, 'mIoU'),
    ):
        curve, values = curve_of(page, name), [row[key] for row in values]
        assert len(curve) == len(values)
        # Drawings count downwards.
        expected = np.interp(values, [min(values), max(values)], [1, 0])
        drawn = curve[:, 1] - curve[:, 1].min()
        np.testing.assert_allclose(drawn / drawn.max(), expected, atol=2e-3)

    measured = json.loads((runs / 'first/epoch_2_metrics.json').read_text())
    row = page.xpath('//table[1]/tbody/tr/td/text()')
    expected = [measured['metrics'][k] for k in ('mIoU', 'aAcc', 'pixel_precision')]
    assert row[:4] == ['first', *(f'{value:.2f}' for value in expected)]
    text = page.text_content()
    for name, value in measured['per_class_iou'].items():
        bars = page.xpath('//svg[@aria-label="IoU per class"]//text()')
        assert {name, f'{value:.1f}'} <= {part.strip() for part in bars}
    assert 'epoch_2.pth: the last one' in text
    assert 'segda-mm' in text and 'pytest' in text
    assert page.xpath('//svg[@aria-label="confusion matrix"]')
    # It needs nothing but itself.
    for name in ('src', 'href'):
        assert all(v.startswith(('data:', '#')) for v in page.xpath(f'//@{name}'))
    assert "default-src 'none'" in page.xpath('//meta/@content')[-1]

    frames = page.xpath('//figure')
    assert len(frames) == 3
    for index, frame in enumerate(frames):
        layers = {
            image.get('data-layer'): np.asarray(
                Image.open(urlopen(image.get('src'))).convert('RGB'), float
            )
            for image in frame.xpath('./img')
        }
        assert list(layers) == ['image', 'truth', 'first']
        given = Image.open(runs.parent / f'data/images/val/{index}.png')
        difference = layers['image'] - np.asarray(given.convert('RGB'), float)
        assert np.abs(difference).mean() < 8


def test_several_runs_and_where_one_started(runs, tmp_path):
    page = page_of(report(runs / 'second', tmp_path / 'one.html'))
    assert page.xpath('//select[@id="left"]/option[@selected]/text()') == [
        'start: first'
    ]
    assert 'the best mIoU of all validations' in page.text_content()
    assert 'Labels of the validation images had a say' in page.text_content()

    page = page_of(report(runs, tmp_path / 'both.html', titles=['one', 'two']))
    assert page.xpath('//h2/text()')[-2:] == ['one', 'two']
    for side, title in (('left', 'one'), ('right', 'two')):
        chosen = page.xpath(f'//select[@id="{side}"]/option[@selected]/text()')
        assert chosen == [title]
    assert curve_of(page, 'mIoU: one').shape == curve_of(page, 'mIoU: two').shape


def test_what_is_missing_is_said(runs, tmp_path):
    for folder, message in ((tmp_path / 'gone', 'no run folder'), (tmp_path, 'no run')):
        with pytest.raises(PreflightError, match=message):
            report(folder)
    run = tmp_path / 'moved'
    shutil.copytree(runs / 'second', run)
    config = run / 'toy.py'
    config.write_text(config.read_text().replace(str(runs.parent / 'data'), 'gone'))
    assert 'No frames are shown: ' in page_of(report(run)).text_content()
    (run / '0-teacher').mkdir()
    for file in run.glob('*.pth'):
        file.unlink()
    with pytest.raises(PreflightError, match='of a self-training, whose report is'):
        report(run)


def test_the_slider_in_a_browser(runs, tmp_path, browser):
    out = report(runs, tmp_path / 'page.html', titles=['one', 'two'])
    browser.get(out.as_uri())
    frame = browser.find_elements('css selector', '.compare')[0]
    left = frame.find_element('css selector', 'img.left')
    assert left.get_attribute('data-layer') == 'one'

    def edge():
        return browser.execute_script(
            'return getComputedStyle(arguments[0]).clipPath', left
        )

    assert '50%' in edge()
    browser.execute_script(
        'arguments[0].value = 20; arguments[0].dispatchEvent(new Event("input"))',
        frame.find_element('css selector', 'input'),
    )
    assert '80%' in edge() or '20%' in edge()
    choice = browser.find_element('id', 'left')
    choice.find_element('css selector', 'option:nth-child(1)').click()
    shown = frame.find_element('css selector', 'img.left')
    assert shown.get_attribute('data-layer') == 'image'
    assert browser.get_log('browser') == []
