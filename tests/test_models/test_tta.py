import pytest
import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from segda_mm.models.tta import PanopticTTA, SemanticTTA
from segda_mm.registry import MODELS
from segda_mm.testing import panoptic_batch, tiny_panoptic_deeplab

SIZE = (32, 64)


class Replay(BaseModel):
    """Returns the logits that the test wrote into the inputs."""

    def __init__(self, out_channels=3):
        super().__init__()
        self.out_channels = out_channels
        self.decode_head = nn.Module()
        self.decode_head.threshold = 0.4

    forward = None

    def test_step(self, data):
        for logits, sample in zip(data['inputs'], data['data_samples'], strict=True):
            sample.seg_logits = PixelData(data=logits)
            sample.pred_sem_seg = PixelData(data=logits.argmax(0, keepdim=True))
        return data['data_samples']


def view_sample(flip, scale, index=0):
    sample = SegDataSample(
        metainfo=dict(
            img_path=f'{index}.png',
            ori_shape=SIZE,
            img_shape=tuple(int(side * scale) for side in SIZE),
            scale_factor=(scale, scale),
            flip=flip,
            flip_direction='horizontal' if flip else None,
        )
    )
    sample.gt_sem_seg = PixelData(data=torch.full((1, *SIZE), index))
    return sample


def replay_batch(num_views, num_images=2, channels=3):
    generator = torch.Generator().manual_seed(num_views)
    logits = torch.randn(num_views, num_images, channels, *SIZE, generator=generator)
    samples = [
        [view_sample(view % 2 == 1, 0.5 + view, n) for n in range(num_images)]
        for view in range(num_views)
    ]
    return logits, dict(inputs=[list(view) for view in logits], data_samples=samples)


@pytest.mark.parametrize('num_views', [1, 2, 5])
def test_mean_of_probabilities(num_views):
    logits, data = replay_batch(num_views)
    merged = SemanticTTA(Replay()).test_step(data)
    for mean, sample in zip(logits.softmax(dim=2).mean(dim=0), merged, strict=True):
        torch.testing.assert_close(sample.seg_logits.data.softmax(0), mean)
        assert torch.equal(sample.pred_sem_seg.data, mean.argmax(0, keepdim=True))


def test_merged_sample_describes_the_original_image():
    _, data = replay_batch(num_views=2)
    first, second = SemanticTTA(Replay()).test_step(data)
    assert first.metainfo == dict(
        img_path='0.png',
        ori_shape=SIZE,
        img_shape=SIZE,
        scale_factor=(1.0, 1.0),
        flip=False,
        flip_direction=None,
        num_views=2,
    )
    assert second.img_path == '1.png'
    assert second.gt_sem_seg.data.unique() == 1
    # Views do not stay alive in the batch.
    for view in data['data_samples']:
        assert all('seg_logits' not in sample for sample in view)


def test_single_channel_is_a_probability_already():
    # mmseg applies the sigmoid before it stores a single channel.
    _, data = replay_batch(num_views=2, num_images=1, channels=1)
    data['inputs'] = [[torch.full((1, *SIZE), p)] for p in (0.9, 0.1)]
    (merged,) = SemanticTTA(Replay(out_channels=1)).test_step(data)
    torch.testing.assert_close(merged.seg_logits.data, torch.full((1, *SIZE), 0.5))
    assert (merged.pred_sem_seg.data == 1).all()  # 0.5 > 0.4


PADDED = (65, 97)
ORIGINAL = (60, 90)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = MODELS.build(tiny_panoptic_deeplab(size=PADDED)).eval()
    # Fresh predictions are next to 0; these differ from pixel to pixel.
    for head in (model.decode_head.center_head, model.decode_head.offset_head):
        torch.nn.init.normal_(head[-1].weight, std=1.0)
    return model


def resize(maps, size):
    return F.interpolate(maps, size, mode='bilinear', align_corners=True)


def test_mean_of_all_views(model):
    """Against means worked out with plain tensors and the bare network."""
    batch = panoptic_batch(num_images=2, size=ORIGINAL)
    images = F.pad(torch.stack(batch['inputs']).float() / 127.5 - 1, (0, 7, 0, 5))
    probabilities, heatmaps, offsets = [], [], []
    for height, width in ((33, 49), (65, 97), (97, 145)):
        view = resize(images, (height, width))
        for flip in (False, True):
            with torch.no_grad():
                maps = model.raw_outputs(view.flip(3) if flip else view)
            rows, columns = maps.offset.shape[2:]
            sign = -1 if flip else 1
            factors = torch.tensor([64 / (rows - 1), sign * 96 / (columns - 1)])
            maps = [m.flip(3) if flip else m for m in maps]
            maps[2] = maps[2] * factors.view(1, 2, 1, 1)
            logits, heatmap, offset = (resize(m, PADDED) for m in maps)
            probabilities.append(logits.softmax(1))
            heatmaps.append(heatmap)
            offsets.append(offset)

    merged = PanopticTTA(model, scales=(0.5, 1, 1.5), flip=True).test_step(batch)

    def mean(views, index):
        return torch.stack(views).mean(0)[index, :, : ORIGINAL[0], : ORIGINAL[1]]

    for index, sample in enumerate(merged):
        expected = mean(probabilities, index)
        torch.testing.assert_close(sample.seg_logits.data, expected.log())
        assert torch.equal(sample.pred_sem_seg.data[0], expected.argmax(0))
        heatmap, offset = sample.pred_center_heatmap.data, sample.pred_offset.data
        torch.testing.assert_close(heatmap, mean(heatmaps, index))
        torch.testing.assert_close(offset, mean(offsets, index))


def test_no_scale(model):
    with pytest.raises(ValueError, match='tta_model.scales'):
        PanopticTTA(model, scales=(1, 0), flip=True)
