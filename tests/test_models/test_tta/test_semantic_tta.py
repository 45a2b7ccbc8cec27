import pytest
import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from segda_mm.models.tta import SemanticTTA

SIZE = (32, 64)


class Replay(BaseModel):
    """Returns the logits that the test wrote into the inputs."""

    def __init__(self, out_channels=3):
        super().__init__()
        self.out_channels = out_channels
        self.decode_head = nn.Module()
        self.decode_head.threshold = 0.4

    def forward(self, *args, **kwargs):
        raise NotImplementedError

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
            reduce_zero_label=False,
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
    mean = logits.softmax(dim=2).mean(dim=0)
    for index, sample in enumerate(merged):
        torch.testing.assert_close(sample.seg_logits.data.softmax(0), mean[index])
        expected = mean[index].argmax(0, keepdim=True)
        assert torch.equal(sample.pred_sem_seg.data, expected)


def test_merged_sample_describes_the_original_image():
    _, data = replay_batch(num_views=2)
    first, second = SemanticTTA(Replay()).test_step(data)
    assert first.metainfo == dict(
        img_path='0.png',
        reduce_zero_label=False,
        ori_shape=SIZE,
        img_shape=SIZE,
        scale_factor=(1.0, 1.0),
        flip=False,
        flip_direction=None,
        num_views=2,
    )
    assert second.img_path == '1.png'
    assert second.gt_sem_seg.data.unique() == 1


def test_views_do_not_stay_alive_in_the_batch():
    _, data = replay_batch(num_views=3)
    SemanticTTA(Replay()).test_step(data)
    for view in data['data_samples']:
        assert all('seg_logits' not in sample for sample in view)


def test_single_channel_is_a_probability_already():
    # mmseg applies the sigmoid before it stores a single channel.
    _, data = replay_batch(num_views=2, num_images=1, channels=1)
    data['inputs'] = [[torch.full((1, *SIZE), p)] for p in (0.9, 0.1)]
    (merged,) = SemanticTTA(Replay(out_channels=1)).test_step(data)
    torch.testing.assert_close(merged.seg_logits.data, torch.full((1, *SIZE), 0.5))
    assert (merged.pred_sem_seg.data == 1).all()  # 0.5 > 0.4
