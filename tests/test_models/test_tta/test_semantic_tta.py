import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.structures import SegDataSample
from torch import nn

from segda_mm.models.tta import SemanticTTA
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet

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


def test_labels_are_those_of_mmsegs_merge():
    _, data = replay_batch(num_views=4)
    _, same = replay_batch(num_views=4)
    ours = SemanticTTA(Replay()).test_step(data)
    theirs = SegTTAModel(Replay()).test_step(same)
    for mine, reference in zip(ours, theirs, strict=True):
        assert torch.equal(mine.pred_sem_seg.data, reference.pred_sem_seg.data)


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


def test_a_certain_view_leaves_finite_logits():
    _, data = replay_batch(num_views=1, num_images=1)
    data['inputs'][0][0][:] = torch.tensor([1e4, 0.0, -1e4]).view(3, 1, 1)
    (merged,) = SemanticTTA(Replay()).test_step(data)
    assert merged.seg_logits.data.isfinite().all()


def test_merge_preds_takes_views_per_image():
    logits, data = replay_batch(num_views=3)
    model = Replay()
    views = [
        model.test_step(dict(inputs=inputs, data_samples=samples))
        for inputs, samples in zip(data['inputs'], data['data_samples'], strict=True)
    ]
    merged = SemanticTTA(model).merge_preds(list(zip(*views, strict=True)))
    mean = logits.softmax(dim=2).mean(dim=0)
    torch.testing.assert_close(merged[1].seg_logits.data.softmax(0), mean[1])


def test_single_channel_is_a_probability_already():
    # mmseg applies the sigmoid before it stores a single channel.
    _, data = replay_batch(num_views=2, num_images=1, channels=1)
    data['inputs'] = [[torch.full((1, *SIZE), p)] for p in (0.9, 0.1)]
    (merged,) = SemanticTTA(Replay(out_channels=1)).test_step(data)
    torch.testing.assert_close(merged.seg_logits.data, torch.full((1, *SIZE), 0.5))
    assert (merged.pred_sem_seg.data == 1).all()  # 0.5 > 0.4


def test_no_view():
    with pytest.raises(ValueError, match='no view'):
        SemanticTTA(Replay()).test_step(dict(inputs=[], data_samples=[]))


def test_flip_average_of_a_real_segmentor():
    """Against a mean worked out with plain tensors and the bare network."""
    init_default_scope('mmseg')
    preprocessor = dict(type='SegDataPreProcessor', test_cfg=dict(size_divisor=32))
    torch.manual_seed(0)
    segmentor = dict(tiny_bisenet(), data_preprocessor=preprocessor)
    model = MODELS.build(dict(type='SemanticTTA', module=segmentor)).eval()
    image = torch.randint(256, (3, *SIZE), dtype=torch.uint8)
    flipped = image.flip(-1)
    data = dict(
        inputs=[[image], [flipped]],
        data_samples=[[view_sample(False, 1.0)], [view_sample(True, 1.0)]],
    )
    with torch.no_grad():
        (merged,) = model.test_step(data)
        pair = torch.stack([image, flipped]).float()
        plain, mirrored = model.module.encode_decode(
            pair, [dict(ori_shape=SIZE, img_shape=SIZE, pad_shape=SIZE)] * 2
        ).softmax(1)
    expected = (plain + mirrored.flip(-1)) / 2
    torch.testing.assert_close(merged.seg_logits.data.softmax(0), expected)
    assert not torch.allclose(plain, expected)
