"""Pseudo labels are shown as they are, and rejected ones are not learned from."""

import io
import json
import socket
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

from segda_mm import label, load_config
from segda_mm.apis import PreflightError, review
from segda_mm.datasets import DataError, LoadPseudoLabels
from segda_mm.registry import DATASETS
from segda_mm.testing.toy_job import PALETTE, write_toy_job
from tests.test_apis.test_evaluating import save_untrained

NAMES = [f'{index}.png' for index in range(4)]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Labels of four images, of which the median of each class is kept."""
    folder = tmp_path_factory.mktemp('review')
    cfg = load_config(write_toy_job(folder))
    save_untrained(folder / 'net.pth', cfg)
    labeler = dict(type='ClassMedian', cap=0.9, scope='dataset')
    images = str(folder / 'data/images/train')
    given = dict(tta=False, pseudo_labeler=labeler, num_workers=0)
    label(cfg, folder / 'net.pth', images, folder / 'labels', **given)
    return folder


@pytest.fixture
def served(made):
    """The address of the page."""
    (made / 'labels/rejected.txt').unlink(missing_ok=True)
    addresses = []
    threading.Thread(
        target=review,
        args=(made / 'labels', made / 'data/labels/train', None, 0, addresses.append),
        daemon=True,
    ).start()
    while not addresses:
        time.sleep(0.02)
    return addresses[0]


def fetch(address, content=None, **headers):
    body = None if content is None else json.dumps(content).encode()
    with urlopen(Request(address, body, headers)) as answer:
        return answer.read()


def dataset(made):
    return dict(
        type='PseudoLabeledDataset',
        images=dict(
            type='UnlabeledImageDataset', images=str(made / 'data/images/train')
        ),
        labels=str(made / 'labels'),
        metainfo=dict(classes=('road', 'car', 'sky'), palette=PALETTE),
        pipeline=[],
    )


def test_the_page_and_its_pictures(made, served):
    told = json.loads(fetch(f'{served}/frames'))
    assert [frame['name'] for frame in told['frames']] == NAMES
    assert [part['color'] for part in told['classes']] == PALETTE
    manifest = json.loads((made / 'labels/manifest.json').read_text())
    mean = np.mean([frame['confidence'] for frame in told['frames']])
    assert manifest['confidence'] == pytest.approx(mean)
    assert 1 / 3 < mean < 1
    for index, frame in enumerate(told['frames']):
        ids = np.asarray(Image.open(made / f'labels/{index}.png'))
        assert frame['kept'] == pytest.approx((ids != 255).mean())
        shown = fetch(f'{served}/label/own/{index}?classes=0,2')
        picture = np.asarray(Image.open(io.BytesIO(shown)))
        np.testing.assert_array_equal(picture[..., 3] == 255, np.isin(ids, [0, 2]))
        for train_id in (0, 2):
            assert (picture[ids == train_id, :3] == PALETTE[train_id]).all()
        truth = np.asarray(Image.open(made / f'data/labels/train/{index}.png'))
        other = fetch(f'{served}/label/against/{index}?classes=1')
        picture = np.asarray(Image.open(io.BytesIO(other)))
        np.testing.assert_array_equal(picture[..., 3] == 255, truth == 1)
        image = np.asarray(Image.open(io.BytesIO(fetch(f'{served}/image/{index}'))))
        given = Image.open(made / f'data/images/train/{index}.png').convert('RGB')
        assert np.abs(image - np.asarray(given, float)).mean() < 8


def test_rejected_frames_are_not_learned_from(made, served):
    kind = {'Content-Type': 'application/json'}
    fetch(f'{served}/reject/1', dict(rejected=True), **kind)
    fetch(f'{served}/reject/3', dict(rejected=True), **kind)
    assert (made / 'labels/rejected.txt').read_text() == '1.png\n3.png\n'
    built = DATASETS.build(dataset(made))
    names = [built.get_data_info(i)['relative_path'] for i in range(len(built))]
    assert names == ['0.png', '2.png']
    results = dict(
        img=np.zeros((32, 64, 3)), pseudo_label_dir=str(made / 'labels'), seg_fields=[]
    )
    for name, void in (('1.png', True), ('2.png', False)):
        loaded = LoadPseudoLabels()(dict(results, relative_path=name, seg_fields=[]))
        assert (loaded['gt_seg_map'] == 255).all() == void
    fetch(f'{served}/reject/1', dict(rejected=False), **kind)
    assert len(DATASETS.build(dataset(made))) == 3
    for index in (0, 1, 2):
        fetch(f'{served}/reject/{index}', dict(rejected=True), **kind)
    with pytest.raises(DataError, match=r'rejected\.txt: rejects every image'):
        DATASETS.build(dataset(made))


def test_strangers_are_refused(served):
    for path, content, headers, status in (
        ('/', None, dict(Host='elsewhere.example:80'), 403),
        ('/reject/0', 'rejected', {'Content-Type': 'application/json'}, 400),
        ('/reject/0', dict(rejected=True), {'Content-Type': 'text/plain'}, 400),
        ('/image/9', None, {}, 404),
    ):
        with pytest.raises(HTTPError) as refused:
            fetch(served + path, content, **headers)
        assert refused.value.code == status


def test_what_cannot_be_reviewed_is_said(made, tmp_path):
    moved = tmp_path / 'moved'
    for arguments, message in (
        (dict(labels=moved), 'no folder of labels .*moved'),
        (dict(labels=made / 'data'), 'data has no manifest.json'),
        (dict(labels=made / 'labels', against=moved), 'no folder of labels .*moved'),
        (dict(labels=made / 'labels', images=tmp_path), 'name the folder .*--images'),
        (dict(labels=made / 'labels', port=70000), 'port 70000 cannot be'),
    ):
        with pytest.raises(PreflightError, match=message):
            review(**arguments)
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PreflightError, match=f'port {port} is in use; take'):
            review(made / 'labels', port=port)


def test_in_a_browser(made, served, browser):
    browser.get(served)

    def find(name):
        return browser.find_element('id', name)

    def press(key):
        browser.find_element('tag name', 'body').send_keys(key)

    def wait(condition):
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.05)

    wait(lambda: find('name').text)
    told = json.loads(fetch(f'{served}/frames'))['frames']
    by_confidence = sorted(told, key=lambda frame: frame['confidence'])
    assert find('name').text == by_confidence[0]['name']
    wait(lambda: find('own').get_property('naturalWidth') == 64)
    press('r')
    wait(lambda: find('count').text == '1 rejected')
    rejected = (made / 'labels/rejected.txt').read_text()
    assert rejected == f'{by_confidence[0]["name"]}\n'
    find('next').click()
    assert find('name').text == by_confidence[1]['name']
    find('none').click()
    assert find('own').get_attribute('src').endswith('classes=')
    browser.execute_script(
        'arguments[0].value = 25; arguments[0].dispatchEvent(new Event("input"))',
        find('opacity'),
    )
    assert find('own').value_of_css_property('opacity') == '0.25'
    assert find('against').is_displayed()
    assert browser.get_log('browser') == []
