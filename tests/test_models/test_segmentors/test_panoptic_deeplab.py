import pytest
import torch
from mmseg.structures import SegDataSample

from segda_mm.models.segmentors import PanopticDeepLab
from segda_mm.ops.panoptic_codes import LABEL_DIVISOR, VOID_CODE
from segda_mm.ops.panoptic_outputs import PanopticOutputs
from segda_mm.registry import MODELS
from segda_mm.testing import panoptic_batch, tiny_panoptic_deeplab

PADDED = (65, 97)


def tiny_model(**changes):
    torch.manual_seed(0)
    return MODELS.build(dict(tiny_panoptic_deeplab(size=PADDED), **changes))


class CoordinateReader(PanopticDeepLab):
    """A network that is right about images whose pixels hold their coordinates.

    Channels 0 and 1 of an image are y and x in the image as it lies on the
    disk; the one center is at CENTER there. All maps are linear, so that
    resizing with aligned corners keeps them exact.
    """

    CENTER = (20.0, 31.0)

    def raw_outputs(self, inputs):
        y, x = inputs[:, 0, ::4, ::4], inputs[:, 1, ::4, ::4]
        # Of the view's pixels, in its own direction.
        down = (self.CENTER[0] - y) / (y[:, 1:2] - y[:, :1])
        right = (self.CENTER[1] - x) / (x[:, :, 1:2] - x[:, :, :1])
        offset = torch.stack([down, right], dim=1)
        seg_logits = torch.stack([y, x, 40 - y, 50 - x], dim=1) / 10
        return PanopticOutputs(seg_logits, seg_logits[:, :1], offset)


def coordinate_image(size, step, start):
    """(1, 2, H, W): y and x count from `start` in steps of `step` (y, x)."""
    rows, columns = (
        start[axis] + step[axis] * torch.arange(size[axis], dtype=torch.float32)
        for axis in (0, 1)
    )
    return torch.stack(torch.meshgrid(rows, columns, indexing='ij'))[None]


@pytest.mark.parametrize('reduction', [1, 2], ids=['full', 'half'])
@pytest.mark.parametrize('direction', [None, 'horizontal', 'vertical', 'diagonal'])
def test_predictions_lie_on_the_original_image(direction, reduction):
    # The pipeline made the image `reduction` times smaller, then flipped it;
    # the preprocessor padded it below and on the right.
    size = (60, 90)
    original = tuple((side - 1) * reduction + 1 for side in size)
    step, start = [reduction, reduction], [0, 0]
    for axis, name in enumerate(('vertical', 'horizontal')):
        if direction in (name, 'diagonal'):
            step[axis], start[axis] = -reduction, original[axis] - 1
    sample = SegDataSample(
        metainfo=dict(
            ori_shape=original,
            img_shape=size,
            flip=direction is not None,
            flip_direction=direction,
            img_padding_size=(0, PADDED[1] - size[1], 0, PADDED[0] - size[0]),
        )
    )
    config = tiny_panoptic_deeplab()
    config.pop('type')
    model = CoordinateReader(**config).eval()
    (result,) = model.predict(coordinate_image(PADDED, step, start), [sample])

    y, x = coordinate_image(original, (1, 1), (0, 0))[0]
    center_y, center_x = model.CENTER
    close = dict(rtol=0, atol=1e-3)
    expected = torch.stack([center_y - y, center_x - x])
    torch.testing.assert_close(result.pred_offset.data, expected, **close)
    expected = torch.stack([y, x, 40 - y, 50 - x]) / 10
    torch.testing.assert_close(result.seg_logits.data, expected, **close)
    torch.testing.assert_close(result.pred_center_heatmap.data, y[None] / 10, **close)


def test_perfect_maps_become_the_ground_truth():
    batch = panoptic_batch(num_images=2, size=(97, 161))
    samples = batch['data_samples']

    def stack(name):
        return torch.stack([sample.get(name).data for sample in samples])

    labels = stack('gt_sem_seg')[:, 0]
    labels = labels.where(labels != 255, 0)
    one_hot = torch.nn.functional.one_hot(labels, 4).movedim(-1, 1)
    model = tiny_model()
    results = model.make_predictions(
        one_hot * 20.0, stack('gt_center_heatmap'), stack('gt_offset'), samples
    )
    for result in results:
        truth = result.gt_panoptic_seg.data
        valid = truth != VOID_CODE
        pairs = torch.stack([truth[valid], result.pred_panoptic_seg.data[valid]])
        pairs = pairs.unique(dim=1)
        # Instances may be numbered otherwise, but one by one.
        assert pairs.shape[1] == pairs[0].unique().numel() == pairs[1].unique().numel()
        assert torch.equal(pairs[0] // LABEL_DIVISOR, pairs[1] // LABEL_DIVISOR)
        instances = result.pred_instances
        things = pairs[1][pairs[1] % LABEL_DIVISOR > 0]
        assert sorted(instances.codes.tolist()) == sorted(things.tolist())
        assert torch.equal(instances.labels, instances.codes.long() // LABEL_DIVISOR)
        assert instances.scores.min() > 0.999


def test_refused_test_cfg():
    for changes, message in (
        (dict(mode='slide'), "mode is 'slide'.*'whole'"),
        (dict(stride=(8, 8)), r"knows nothing of \['stride'\]"),
    ):
        test_cfg = dict(tiny_panoptic_deeplab().test_cfg, **changes)
        with pytest.raises(ValueError, match=message):
            tiny_model(test_cfg=test_cfg)
