"""The Predictor, against mmseg's evaluation and against its own graph."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image

from segda_mm import Predictor
from segda_mm.apis import PreflightError, evaluate, export_onnx, export_segmentor
from segda_mm.errors import DataError, FileNotWrittenError
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_panoptic_deeplab
from segda_mm.testing.toy_job import CLASSES, PALETTE, write_toy_job

BLUES = dict(street=[0, 0, 1], auto=[0, 0, 2], air=[0, 0, 3])


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A run folder, its images, a video of another size and a graph."""
    folder = tmp_path_factory.mktemp('job')
    cfg = Config.fromfile(write_toy_job(folder))
    init_default_scope('mmseg')
    torch.manual_seed(0)
    state = MODELS.build(cfg.model).state_dict()
    (folder / 'run').mkdir()
    cfg.dump(folder / 'run/toy.py')
    torch.save(dict(state_dict=state), folder / 'run/epoch_2.pth')
    export_onnx(cfg, folder / 'run/epoch_2.pth', folder / 'net.onnx', size=(64, 32))
    writer = cv2.VideoWriter(
        str(folder / 'drive.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 12.5, (96, 48)
    )
    draw = np.random.default_rng(0)
    for _ in range(5):
        blocks = draw.integers(256, size=(6, 12, 3), dtype=np.uint8)
        writer.write(blocks.repeat(8, 0).repeat(8, 1))
    writer.release()
    return folder


def labels_of(frames):
    return np.stack([frame.labels for frame in frames])


@pytest.mark.parametrize('tta', [False, True])
def test_labels_are_those_of_the_evaluation(job, tmp_path, tta):
    cfg = Config.fromfile(job / 'run/toy.py')
    cfg.work_dir = str(tmp_path)
    evaluate(cfg, job / 'run/epoch_2.pth', tta=tta, out=tmp_path / 'pred')
    for batch_size in (1, 2):
        predict = Predictor(job / 'run', tta=tta)
        frames = list(predict(job / 'data/images/val', batch_size=batch_size))
        assert [frame.name for frame in frames] == ['0', '1', '2']
        for frame in frames:
            expected = np.asarray(Image.open(tmp_path / f'pred/{frame.name}.png'))
            np.testing.assert_array_equal(frame.labels, expected)
    assert (predict.classes, predict.palette) == (list(CLASSES), PALETTE)


def test_a_graph_gives_the_same_pixels(job):
    model = Predictor(job / 'run/epoch_2.pth', job / 'run/toy.py')
    # Of mmseg's own steps, what the graph does by itself.
    resize = dict(type='Resize', scale=(64, 32), keep_ratio=False)
    cfg = Config.fromfile(job / 'run/toy.py')
    cfg.test_dataloader.dataset.pipeline.insert(1, resize)
    model = Predictor(job / 'run', cfg)
    graph = Predictor(job / 'net.onnx')
    assert (graph.classes, graph.palette) == (model.classes, model.palette)
    for source in ('drive.mp4', 'data/images/val'):
        ours, theirs = (list(p(job / source, batch_size=2)) for p in (model, graph))
        np.testing.assert_array_equal(labels_of(ours), labels_of(theirs))
        assert len(np.unique(labels_of(ours))) > 1
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.confidence, b.confidence, atol=1e-5)
            np.testing.assert_array_equal(a.overlay(), b.overlay())
    assert a.confidence.dtype == np.float32
    assert 1 / 3 - 1e-6 <= a.confidence.min() <= a.confidence.max() <= 1


def test_confidence_is_the_probability_of_the_label(job):
    predict = Predictor(job / 'run')
    image = np.random.default_rng(0).integers(256, size=(32, 64, 3), dtype=np.uint8)
    (frame,) = predict(image)
    model = predict._network.model
    # As mmseg's preprocessor does it, of BGR.
    inputs = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        logits = model.encode_decode((inputs - 110) / 70, [dict(img_shape=(32, 64))])
    expected, labels = logits[0].softmax(0).max(0)
    np.testing.assert_array_equal(frame.labels, labels)
    np.testing.assert_allclose(frame.confidence, expected, atol=1e-5)
    (frame,) = predict([image], confidence=False)
    assert frame.confidence is None


def test_windows_are_those_of_mmseg(job):
    cfg = Config.fromfile(job / 'run/toy.py')
    cfg.model.test_cfg = dict(mode='slide', crop_size=(24, 30), stride=(16, 20))
    expected = labels_of(Predictor(job / 'run', cfg)(job / 'drive.mp4'))
    slid = labels_of(Predictor(job / 'run', window=(24, 30))(job / 'drive.mp4'))
    np.testing.assert_array_equal(slid, expected)
    assert (slid != labels_of(Predictor(job / 'run')(job / 'drive.mp4'))).any()


@pytest.mark.parametrize('suffix', ['.mp4', '.avi'])
def test_a_video_becomes_a_video(job, tmp_path, suffix):
    predict = Predictor(job / 'net.onnx', classes=BLUES)
    out = tmp_path / f'made/overlay{suffix}'
    assert predict.save(job / 'drive.mp4', out, batch_size=2) == 5
    made = cv2.VideoCapture(str(out))
    assert made.get(cv2.CAP_PROP_FPS) == 12.5
    for frame in predict(job / 'drive.mp4'):
        _, picture = made.read()
        expected = frame.overlay()[..., ::-1].astype(float)
        assert np.abs(picture - expected).mean() < 8
    assert not made.read()[0]
    assert [path.name for path in out.parent.glob('[!.]*')] == [out.name]


def test_pngs(job, tmp_path):
    predict = Predictor(job / 'run', classes=BLUES)
    source = [job / 'data/images/val/0.png', job / 'data/images/val/2.png']
    assert predict.save(source, tmp_path, ('labels', 'colors', 'overlay')) == 2
    for frame in predict(source):
        labels, colors, overlay = (
            np.asarray(Image.open(tmp_path / kind / f'{frame.name}.png'))
            for kind in ('labels', 'colors', 'overlay')
        )
        np.testing.assert_array_equal(labels, frame.labels)
        np.testing.assert_array_equal(colors[..., 2], frame.labels + 1)
        np.testing.assert_array_equal(overlay, frame.overlay())


def test_memory_does_not_grow_with_the_video(job):
    alive, most, lock = 0, 0, threading.Lock()

    def pictures():
        nonlocal alive, most
        for _ in range(60):
            with lock:
                alive += 1
                most = max(most, alive)
            yield np.zeros((32, 64, 3), np.uint8)

    for _ in Predictor(job / 'net.onnx')(pictures(), batch_size=2):
        with lock:
            alive -= 1
    assert most <= 14


def test_a_run_folder(job, tmp_path):
    """The best checkpoint, else the latest; what mmseg exported has its own names."""
    cfg = Config.fromfile(job / 'run/toy.py')
    checkpoint = (job / 'run/epoch_2.pth').read_bytes()
    cfg.dump(tmp_path / 'run.py')
    expected = labels_of(Predictor(job / 'run')(job / 'drive.mp4'))
    for name, other in (('best_mIoU_epoch_1', 'epoch_2'), ('epoch_2', 'other')):
        (tmp_path / f'{name}.pth').write_bytes(checkpoint)
        (tmp_path / f'{other}.pth').write_text('not this one')
        found = labels_of(Predictor(tmp_path)(job / 'drive.mp4'))
        np.testing.assert_array_equal(found, expected)
        (tmp_path / 'best_mIoU_epoch_1.pth').unlink(missing_ok=True)
    cfg.test_pipeline = cfg.test_dataloader.dataset.pipeline
    export_segmentor(cfg, job / 'run/epoch_2.pth', tmp_path / 'out/net.pth')
    exported = Predictor(tmp_path / 'out')
    assert exported.palette == PALETTE
    np.testing.assert_array_equal(labels_of(exported(job / 'drive.mp4')), expected)


def test_classes_of_a_panoptic_network(tmp_path):
    init_default_scope('mmseg')
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadPanopticLabels'),
        dict(type='PackPanopticInputs'),
    ]
    cfg = Config(dict(model=tiny_panoptic_deeplab(), test_pipeline=pipeline))
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'net.pth')
    classes = {f'class {n}': [n, n, n] for n in range(4)}
    predict = Predictor(tmp_path / 'net.pth', cfg, classes=classes)
    (frame,) = predict(np.zeros((48, 64, 3), np.uint8))
    assert frame.labels.shape == frame.confidence.shape == (48, 64)
    assert frame.labels.max() < 4
    with pytest.raises(PreflightError, match='PanopticDeepLab sees whole pictures'):
        Predictor(tmp_path / 'net.pth', cfg, classes=classes, window=(8, 8))
    with pytest.raises(PreflightError, match='names the classes and their colours'):
        Predictor(tmp_path / 'net.pth', cfg)


@pytest.mark.parametrize(
    ('weights', 'arguments', 'message'),
    [
        ('gone', {}, 'no run, checkpoint or graph .*gone'),
        ('data', {}, 'data holds no checkpoint'),
        ('net.onnx', dict(tta=True), 'sees whole pictures'),
        ('net.onnx', dict(window=(8, 8)), 'sees whole pictures'),
        ('foreign.onnx', {}, 'another program wrote it'),
        ('lone/net.pth', {}, 'no configs .* beside .*net.pth; name the one'),
        ('run', dict(config='gone.py'), 'there is no config gone.py'),
        ('run', dict(predict_on='teacher'), 'one network'),
        ('run', dict(window=(0, 8)), 'holds no pixel'),
        ('run', dict(classes={}), 'names the classes'),
        ('run', dict(classes=list(BLUES)), 'must map names to RGB'),
        ('run', dict(classes=dict(road=[1, 2, 3])), '3 classes .* has 1 names'),
        ('net.onnx', dict(classes=dict(BLUES, hut=[1, 2, 3])), '3 classes .* 4 names'),
        ('run', dict(classes=dict(BLUES, air=[0, 0, 256])), 'colour of air'),
        ('run', dict(classes=dict(BLUES, air='blue')), "colour of air is 'blue'"),
        (
            'net.onnx',
            dict(classes=dict(BLUES, air=[1, 2])),
            r'colour of air is \[1, 2\]',
        ),
    ],
)
def test_what_cannot_predict_is_said(job, weights, arguments, message):
    (job / 'lone').mkdir(exist_ok=True)
    (job / 'lone/net.pth').touch()
    (job / 'foreign.onnx').write_bytes(other_program())
    with pytest.raises(PreflightError, match=message):
        Predictor(job / weights, **arguments)


def other_program():
    import onnx

    shape = ['N', 3, 32, 64]
    value = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name in ('image', 'logits')
    ]
    node = onnx.helper.make_node('Relu', ['image'], ['logits'])
    graph = onnx.helper.make_graph([node], 'net', value[:1], value[1:])
    opset = onnx.helper.make_opsetid('', 17)
    return onnx.helper.make_model(
        graph, opset_imports=[opset], ir_version=9
    ).SerializeToString()


@pytest.mark.parametrize(
    ('source', 'out', 'kinds', 'message'),
    [
        ('drive.mp4', 'o.mp4', ['labels'], 'one video of overlays'),
        ('drive.mp4', 'o.avi', ['colors', 'overlay'], 'one video of overlays'),
        ('drive.mp4', 'o.png', ['overlay'], 'is an image; name a folder'),
        ('drive.mp4', 'o', ['mask'], 'nothing called mask'),
        ('drive.mp4', 'o', [], 'nothing called nothing'),
        ('drive.mp4', 'drive.mp4', ['overlay'], 'which is read'),
        ('data/images', 'data/images', ['labels'], 'which is read'),
        ('data/images', 'data/images/o', ['labels'], 'which is read'),
        ('data/images/*/*.png', 'data/images/o.mp4', ['overlay'], 'which is read'),
    ],
)
def test_what_cannot_be_written_is_said(job, source, out, kinds, message):
    before = {path: path.stat().st_mtime_ns for path in job.rglob('*')}
    with pytest.raises(PreflightError, match=message):
        Predictor(job / 'net.onnx').save(job / source, job / out, kinds)
    assert {path: path.stat().st_mtime_ns for path in job.rglob('*')} == before


def test_a_video_is_whole_or_absent(job, tmp_path, monkeypatch):
    predict = Predictor(job / 'net.onnx')
    sizes = [np.zeros((32, side, 3), np.uint8) for side in (64, 64, 32)]
    for name, pictures, message in (
        (
            'mixed.mp4',
            sizes,
            r'000002 is \(32, 32\) .* and the first picture \(64, 32\)',
        ),
        ('none.mp4', [], 'no picture'),
        ('none', [], 'no picture'),
        ('broken.mp4', [sizes[0], sizes[0].astype(float)], 'type float64'),
    ):
        with pytest.raises(DataError, match=message):
            predict.save(pictures, tmp_path / name)

    class FullDisk:
        def __init__(self, *arguments):
            self.writer = open_writer(*arguments)
            self.isOpened, self.release = self.writer.isOpened, self.writer.release

        def write(self, picture):
            """OpenCV tells nobody, either."""

    open_writer = cv2.VideoWriter
    monkeypatch.setattr(cv2, 'VideoWriter', FullDisk)
    with pytest.raises(FileNotWrittenError, match=r'full.mp4 was not written'):
        predict.save(job / 'drive.mp4', tmp_path / 'full.mp4')
    assert list(Path(tmp_path).rglob('*.*')) == []
    with pytest.raises(PreflightError, match='batch_size is 0'):
        predict(job / 'drive.mp4', batch_size=0)
