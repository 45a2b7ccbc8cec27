import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.structures import SegDataSample

from segda_mm.apis import (
    PreflightError,
    export_onnx,
    load_model,
    quantize_onnx,
    verify_onnx,
)
from segda_mm.apis.onnx.pooling import PoolingByMatrices, mean_weights
from segda_mm.inference.onnx_predict import OnnxSegmentor
from segda_mm.ops.panoptic_grouping import find_centers
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet, tiny_panoptic_deeplab

CLASSES = ('road', 'car', 'sky', 'person')
PALETTE = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]

#: Smaller than what both models pad to, in either direction.
WIDTH, HEIGHT = SIZE = (90, 60)


def config(model):
    metainfo = dict(classes=CLASSES, palette=PALETTE)
    dataset = dict(type='BaseSegDataset', metainfo=metainfo, pipeline=[])
    loader = dict(dataset=dataset)
    return Config(dict(default_scope='mmseg', model=model, test_dataloader=loader))


def supervised():
    """Takes BGR, as it is read, and pads to a multiple of 32."""
    preprocessor = dict(
        type='SegDataPreProcessor',
        mean=[110.0, 90.0, 100.0],
        std=[70.0, 60.0, 50.0],
        size_divisor=32,
        pad_val=1,
        test_cfg=dict(size_divisor=32),
    )
    return config(dict(tiny_bisenet(), data_preprocessor=preprocessor))


def rgb():
    """Takes RGB, and does not pad."""
    cfg = supervised()
    cfg.model.data_preprocessor.update(bgr_to_rgb=True, test_cfg=None)
    return cfg


def panoptic():
    """Pads to 65x97; nearly every peak of its heatmap is a center."""
    model = tiny_panoptic_deeplab()
    model.test_cfg.update(center_threshold=0.0, top_k=7, nms_kernel_size=5)
    return config(model)


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    """Random weights of each model, by the function that makes its config."""
    init_default_scope('mmseg')
    torch.manual_seed(0)
    files = {}
    for make in (supervised, rgb, panoptic):
        files[make] = tmp_path_factory.mktemp('checkpoints') / f'{make.__name__}.pth'
        model = MODELS.build(make().model)
        torch.save(dict(state_dict=model.state_dict()), files[make])
    return files


@pytest.fixture(scope='module')
def graph(checkpoints, tmp_path_factory):
    """The supervised model, exported to its logits."""
    file = tmp_path_factory.mktemp('graph') / 'net.onnx'
    export_onnx(supervised(), checkpoints[supervised], file, size=SIZE)
    return file


def session_of(file):
    return onnxruntime.InferenceSession(str(file), providers=['CPUExecutionProvider'])


def pictures(count=6):
    """Images in BGR, (count, H, W, 3), blocks of colour."""
    draw = np.random.default_rng(0)
    blocks = draw.integers(256, size=(count, HEIGHT // 6, WIDTH // 6, 3))
    return blocks.astype(np.uint8).repeat(6, 1).repeat(6, 2)


def as_graph_takes_it(images):
    return np.ascontiguousarray(images[..., ::-1].transpose(0, 3, 1, 2))


@torch.inference_mode()
def predict(model, image):
    shape = image.shape[:2]
    sample = SegDataSample(metainfo=dict(ori_shape=shape, img_shape=shape))
    inputs = torch.from_numpy(image.transpose(2, 0, 1).copy())
    return model.test_step(dict(inputs=[inputs], data_samples=[sample]))[0]


def test_logits_are_those_of_the_model(checkpoints, graph):
    session, model = (
        session_of(graph),
        load_model(supervised(), checkpoints[supervised]),
    )
    images = pictures()
    (together,) = session.run(['logits'], dict(image=as_graph_takes_it(images)))
    assert together.shape == (len(images), 4, HEIGHT, WIDTH)
    for image, logits in zip(images, together):
        (alone,) = session.run(None, dict(image=as_graph_takes_it(image[None])))
        expected = predict(model, image).seg_logits.data.numpy()
        np.testing.assert_allclose(alone[0], expected, atol=1e-5)
        np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_labels_are_those_of_the_model(checkpoints, tmp_path):
    cfg, file = rgb(), tmp_path / 'net.onnx'
    cfg.test_dataloader.dataset.pipeline = [
        dict(type='Resize', scale=SIZE, keep_ratio=False)
    ]
    metadata = export_onnx(cfg, checkpoints[rgb], file, post_processing=True)
    assert metadata['input_size'] == f'[{WIDTH}, {HEIGHT}]'
    model = load_model(rgb(), checkpoints[rgb])
    images = pictures()
    (labels,) = session_of(file).run(None, dict(image=as_graph_takes_it(images)))
    assert labels.dtype == np.uint8
    expected = [predict(model, image).pred_sem_seg.data[0] for image in images]
    np.testing.assert_array_equal(labels, torch.stack(expected).numpy())
    assert len(np.unique(labels)) > 1


def test_panoptic_maps_and_what_the_file_says(checkpoints, tmp_path):
    file = tmp_path / 'net.onnx'
    export_onnx(panoptic(), checkpoints[panoptic], file, size=SIZE, opset=15)
    session = session_of(file)
    model = load_model(panoptic(), checkpoints[panoptic])
    images = pictures()
    outputs = session.run(None, dict(image=as_graph_takes_it(images)))
    for image, *maps in zip(images, *outputs):
        expected = predict(model, image)
        for values, key in zip(
            maps, ('seg_logits', 'pred_center_heatmap', 'pred_offset'), strict=True
        ):
            truth = expected.get(key).data.numpy()
            np.testing.assert_allclose(values, truth, atol=1e-6, rtol=1e-4)

    proto = onnx.load(str(file))
    onnx.checker.check_model(proto, full_check=True)
    assert proto.opset_import[0].version == 15
    found = session.get_modelmeta().custom_metadata_map
    metadata = {key: json.loads(value) for key, value in found.items()}
    expected = dict(
        kind='panoptic',
        classes=list(CLASSES),
        palette=PALETTE,
        input_size=[WIDTH, HEIGHT],
        mean=[127.5] * 3,
        thing_classes=[2, 3],
        align_corners=True,
    )
    assert metadata | expected == metadata
    (image,) = session.get_inputs()
    assert (image.type, image.shape) == ('tensor(uint8)', ['batch', 3, HEIGHT, WIDTH])
    assert [output.shape for output in session.get_outputs()] == [
        ['batch', channels, HEIGHT, WIDTH] for channels in (4, 1, 2)
    ]
    # Names of nodes could tell where the exporting program lay.
    content = file.read_bytes()
    assert b'site-packages' not in content
    assert str(tmp_path).encode() not in content


def test_centers_are_those_of_the_model(checkpoints, tmp_path):
    file = tmp_path / 'net.onnx'
    export_onnx(
        panoptic(), checkpoints[panoptic], file, size=SIZE, post_processing=True
    )
    model = load_model(panoptic(), checkpoints[panoptic])
    images = pictures()
    outputs = session_of(file).run(None, dict(image=as_graph_takes_it(images)))
    num_centers = 0
    for image, labels, values, points, offset in zip(images, *outputs, strict=True):
        expected = predict(model, image)
        (centers,) = find_centers(expected.pred_center_heatmap.data[None], 0.0, 5, 7)
        count = len(centers.points)
        num_centers += count
        assert np.isfinite(values).sum() == count
        np.testing.assert_array_equal(points[:count], centers.points.numpy())
        np.testing.assert_allclose(values[:count], centers.values.numpy(), rtol=1e-4)
        np.testing.assert_array_equal(labels, expected.pred_sem_seg.data[0].numpy())
        truth = expected.pred_offset.data.numpy()
        np.testing.assert_allclose(offset, truth, atol=1e-6, rtol=1e-4)
    assert num_centers > 10


def test_verification_tells_a_graph_of_other_weights(checkpoints, graph, tmp_path):
    right = checkpoints[supervised]
    found = verify_onnx(supervised(), right, graph)
    assert found['passed']
    assert found['agreement'] >= 0.999
    assert found['max_difference'] < 1e-4
    assert (found['opset'], found['batches'], found['images']) == (17, [1, 2], 3)

    torch.manual_seed(1)
    model = MODELS.build(supervised().model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'wrong.pth')
    found = verify_onnx(supervised(), tmp_path / 'wrong.pth', graph)
    assert not found['passed']
    assert found['agreement'] < 0.999
    with pytest.raises(PreflightError, match=r'gone\.png is missing'):
        verify_onnx(supervised(), right, graph, ['gone.png'])


def test_what_cannot_be_exported_is_said(checkpoints, tmp_path, monkeypatch):
    file = tmp_path / 'net.onnx'

    def export(cfg, make=supervised, **arguments):
        export_onnx(cfg, checkpoints[make], file, **arguments)

    with pytest.raises(PreflightError, match='resizes images to no fixed size'):
        export(supervised())
    with pytest.raises(PreflightError, match=r'opset 21 is not in \[13, 20\]'):
        export(supervised(), size=SIZE, opset=21)
    with pytest.raises(PreflightError, match='does not fit into'):
        export(panoptic(), panoptic, size=(98, 60))
    cfg = supervised()
    cfg.model.test_cfg = dict(mode='slide', crop_size=(32, 32), stride=(16, 16))
    with pytest.raises(PreflightError, match="mode is 'slide'"):
        export(cfg, size=SIZE)
    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(PreflightError, match=r"pip install -e '\.\[export\]'"):
        export(supervised(), size=SIZE)
    assert not file.exists()


def test_a_quantized_graph_predicts_nearly_the_same(graph, tmp_path):
    session, out = session_of(graph), tmp_path / 'int8.onnx'
    planes = as_graph_takes_it(pictures())
    quantize_onnx(graph, out, (image[None] for image in planes))

    proto = onnx.load(str(out))
    of_type = [tensor.data_type for tensor in proto.graph.initializer]
    convolutions = sum(node.op_type == 'Conv' for node in proto.graph.node)
    assert of_type.count(onnx.TensorProto.INT8) >= convolutions > 30
    quantized = session_of(out)
    metadata = quantized.get_modelmeta().custom_metadata_map
    assert json.loads(metadata.pop('quantization'))['images'] == len(planes)
    assert metadata == session.get_modelmeta().custom_metadata_map
    (expected,) = session.run(None, dict(image=planes))
    (logits,) = quantized.run(None, dict(image=planes))
    error = np.abs(logits - expected).mean()
    assert 0 < error < 0.1 * expected.std()

    quantize_onnx(graph, tmp_path / 'kept.onnx', [planes], keep=['context_path'])
    kept = onnx.load(str(tmp_path / 'kept.onnx'))
    fewer = [tensor.data_type for tensor in kept.graph.initializer]
    assert 0 < fewer.count(onnx.TensorProto.INT8) < of_type.count(onnx.TensorProto.INT8)
    with pytest.raises(PreflightError, match="no node of .* has 'gone' in its name"):
        quantize_onnx(graph, tmp_path / 'none.onnx', [planes], keep=['gone'])
    with pytest.raises(PreflightError, match='is quantised already'):
        quantize_onnx(out, tmp_path / 'twice.onnx', [planes])
    with pytest.raises(PreflightError, match='no images to calibrate with'):
        quantize_onnx(graph, tmp_path / 'none.onnx', [])
    onnx.save(onnx.ModelProto(), str(tmp_path / 'other.onnx'))
    with pytest.raises(PreflightError, match='or was not written by'):
        quantize_onnx(tmp_path / 'other.onnx', tmp_path / 'none.onnx', [planes])
    assert not (tmp_path / 'none.onnx').exists()


def test_paddings_that_a_graph_computes_stay_exact(tmp_path):
    """Lite0 pads by what it computes from sizes; rounded to 8 bits, maps do not fit."""
    pytest.importorskip('timm')
    base = Path(__file__).parents[3] / 'configs/_base_/models/bisenetv1_lite0.py'
    segmentor = Config.fromfile(base).segmentor
    segmentor.backbone.backbone_cfg.init_cfg = None
    metainfo = dict(classes=list(range(19)), palette=[[0, 0, 0]] * 19)
    dataset = dict(type='BaseSegDataset', metainfo=metainfo, pipeline=[])
    cfg = Config(dict(model=segmentor, test_dataloader=dict(dataset=dataset)))
    init_default_scope('mmseg')
    torch.save(MODELS.build(segmentor).state_dict(), tmp_path / 'net.pth')
    export_onnx(cfg, tmp_path / 'net.pth', tmp_path / 'net.onnx', size=(96, 64))
    planes = np.random.default_rng(0).integers(256, size=(2, 3, 64, 96), dtype=np.uint8)
    quantize_onnx(tmp_path / 'net.onnx', tmp_path / 'int8.onnx', [planes])
    session = onnxruntime.InferenceSession(
        str(tmp_path / 'int8.onnx'), providers=['CPUExecutionProvider']
    )
    (logits,) = session.run(None, dict(image=planes))
    assert logits.shape == (2, 19, 64, 96)


@pytest.mark.parametrize('length', [1, 5, 16, 19])
@pytest.mark.parametrize('cells', [1, 3, 6])
def test_matrices_pool_as_pytorch_does(length, cells):
    maps = torch.rand(2, 3, length, length + 4)
    expected = torch.nn.functional.adaptive_avg_pool2d(maps, (cells, None))
    with PoolingByMatrices():
        pooled = torch.nn.AdaptiveAvgPool2d((cells, None))(maps)
    torch.testing.assert_close(pooled, expected)
    assert mean_weights(length, cells).sum() == pytest.approx(cells)


NORM = dict(type='BN', requires_grad=True)


def pyramid(kind, backbone, **arguments):
    head = dict(type=kind, channels=16, num_classes=4, norm_cfg=NORM, **arguments)
    return dict(
        type='EncoderDecoder',
        backbone=backbone,
        decode_head=head,
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


FAST_SCNN = dict(
    type='FastSCNN',
    downsample_dw_channels=(8, 12),
    global_in_channels=16,
    global_block_channels=(16, 24, 32),
    global_block_strides=(2, 2, 1),
    global_out_channels=32,
    higher_in_channels=16,
    lower_in_channels=32,
    fusion_out_channels=32,
    norm_cfg=NORM,
)
SWIN = dict(
    type='SwinTransformer',
    embed_dims=12,
    depths=(1, 2, 1, 1),
    num_heads=(1, 2, 3, 4),
    window_size=4,
)
CONVNEXT = dict(
    type='mmpretrain.ConvNeXt',
    arch=dict(depths=[1, 1, 1, 1], channels=[8, 16, 24, 32]),
    out_indices=[0, 1, 2, 3],
    gap_before_final_norm=False,
)
RESNET = dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8)


@pytest.mark.parametrize(
    'model, batches',
    [
        (
            pyramid(
                'DepthwiseSeparableFCNHead',
                FAST_SCNN,
                in_channels=32,
                concat_input=False,
            ),
            [1, 2],
        ),
        (
            pyramid(
                'UPerHead', SWIN, in_channels=[12, 24, 48, 96], in_index=[0, 1, 2, 3]
            ),
            [1],
        ),
        (
            pyramid(
                'UPerHead', CONVNEXT, in_channels=[8, 16, 24, 32], in_index=[0, 1, 2, 3]
            ),
            [1, 2],
        ),
        (pyramid('APCHead', RESNET, in_channels=64, pool_scales=(1, 2, 3, 6)), [1, 2]),
    ],
)
def test_pyramids_of_all_kinds_are_exported(tmp_path, model, batches):
    cfg = supervised()
    preprocessor = dict(cfg.model.data_preprocessor, test_cfg=None)
    cfg.model = dict(model, data_preprocessor=preprocessor)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    checkpoint, file = tmp_path / 'net.pth', tmp_path / 'net.onnx'
    torch.save(MODELS.build(cfg.model).state_dict(), checkpoint)
    export_onnx(cfg, checkpoint, file, size=SIZE)
    found = verify_onnx(cfg, checkpoint, file)
    assert (found['passed'], found['batches']) == (True, batches)
    # Who has the graph alone need not know how many images it takes.
    graph = OnnxSegmentor(file)
    planes = as_graph_takes_it(pictures(3))
    together = graph.run(planes)
    alone = [graph.run(image[None])[0] for image in planes]
    np.testing.assert_allclose(together, np.stack(alone), atol=1e-4)


def test_a_network_that_onnx_cannot_express_is_named(checkpoints, tmp_path):

    @MODELS.register_module(force=True)
    class UnknownToOnnx(torch.nn.ReLU):
        def forward(self, x):
            return torch.special.bessel_j0(x)

    cfg = supervised()
    cfg.model.decode_head.act_cfg = dict(type='UnknownToOnnx')
    message = 'exporting for images of 90x60: .*UnsupportedOperatorError.*bessel_j0'
    with pytest.raises(PreflightError, match=message):
        export_onnx(cfg, checkpoints[supervised], tmp_path / 'net.onnx', size=SIZE)
    assert not (tmp_path / 'net.onnx').exists()
