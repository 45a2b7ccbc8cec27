import pytest
import torch
import torch.nn.functional as F

from segda_mm.models.tta import PanopticTTA
from segda_mm.registry import MODELS
from segda_mm.testing import panoptic_batch, tiny_panoptic_deeplab

PADDED = (65, 97)
SIZE = (60, 90)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = MODELS.build(tiny_panoptic_deeplab(size=PADDED)).eval()
    # Fresh predictions are next to 0; these differ from pixel to pixel.
    for head in (model.decode_head.center_head, model.decode_head.offset_head):
        torch.nn.init.normal_(head[-1].weight, std=1.0)
    return model


def test_mean_of_all_views(model):
    """Against means worked out with plain tensors and the bare network."""
    batch = panoptic_batch(num_images=2, size=SIZE)
    images = F.pad(torch.stack(batch['inputs']).float() / 127.5 - 1, (0, 7, 0, 5))
    probabilities, heatmaps, offsets = [], [], []
    for height, width in ((33, 49), (65, 97), (97, 145)):
        view = F.interpolate(
            images, (height, width), mode='bilinear', align_corners=True
        )
        for flip in (False, True):
            with torch.no_grad():
                maps = model.raw_outputs(view.flip(3) if flip else view)
            rows, columns = maps.offset.shape[2:]
            factors = torch.tensor(
                [64 / (rows - 1), (-1 if flip else 1) * 96 / (columns - 1)]
            )
            maps = [m.flip(3) if flip else m for m in maps]
            maps[2] = maps[2] * factors.view(1, 2, 1, 1)
            logits, heatmap, offset = (
                F.interpolate(m, PADDED, mode='bilinear', align_corners=True)
                for m in maps
            )
            probabilities.append(logits.softmax(1))
            heatmaps.append(heatmap)
            offsets.append(offset)

    merged = PanopticTTA(model, scales=(0.5, 1, 1.5), flip=True).test_step(batch)

    def mean(views, index):
        return torch.stack(views).mean(0)[index, :, : SIZE[0], : SIZE[1]]

    for index, sample in enumerate(merged):
        expected = mean(probabilities, index)
        torch.testing.assert_close(sample.seg_logits.data, expected.log())
        assert torch.equal(sample.pred_sem_seg.data[0], expected.argmax(0))
        torch.testing.assert_close(
            sample.pred_center_heatmap.data, mean(heatmaps, index)
        )
        torch.testing.assert_close(sample.pred_offset.data, mean(offsets, index))


def test_no_scale(model):
    with pytest.raises(ValueError, match='tta_model.scales'):
        PanopticTTA(model, scales=(1, 0), flip=True)
