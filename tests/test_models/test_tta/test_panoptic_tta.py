import copy
import weakref

import pytest
import torch
import torch.nn.functional as F

from segda_mm.models.tta import PanopticTTA
from segda_mm.ops.panoptic_outputs import PanopticOutputs
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


def test_one_view_is_the_plain_prediction(model):
    batch = panoptic_batch(num_images=2, size=SIZE)
    with torch.no_grad():
        plain = model.test_step(copy.deepcopy(batch))
    tta = MODELS.build(dict(type='PanopticTTA', module=model, scales=(1,), flip=False))
    merged = tta.test_step(batch)
    for mine, expected in zip(merged, plain, strict=True):
        for name in ('pred_center_heatmap', 'pred_offset'):
            torch.testing.assert_close(
                mine.get(name).data, expected.get(name).data, rtol=0, atol=1e-6
            )
        torch.testing.assert_close(
            mine.seg_logits.data.softmax(0),
            expected.seg_logits.data.softmax(0),
            rtol=0,
            atol=1e-6,
        )
        for name in ('pred_sem_seg', 'pred_panoptic_seg', 'gt_panoptic_seg'):
            assert torch.equal(mine.get(name).data, expected.get(name).data)
        torch.testing.assert_close(
            mine.pred_instances.scores, expected.pred_instances.scores
        )


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


def test_view_sizes_are_those_of_the_paper(model, monkeypatch):
    seen = []

    def record(view):
        seen.append(tuple(view.shape[2:]))
        return PanopticOutputs(view, view, view[:, :2])

    monkeypatch.setattr(model, 'raw_outputs', record)
    tta = PanopticTTA(model, scales=(0.5, 0.75, 1, 1.25, 1.5, 1.75, 2), flip=False)
    list(tta._outputs_of_views(torch.empty(1, 3, 1025, 2049, device='meta')))
    assert seen == [
        (513, 1025),
        (769, 1537),
        (1025, 2049),
        (1281, 2561),
        (1537, 3073),
        (1793, 3585),
        (2049, 4097),
    ]


def test_views_are_forgotten_and_pixels_grouped_once(model, monkeypatch):
    raw, full_size, alive, grouped = [], [], [], []
    kept = (full_size, raw)
    run, bring, group = model.raw_outputs, model.at_originals, model.make_predictions

    def recording_run(view):
        alive.append(
            [sum(reference() is not None for reference in refs) for refs in kept]
        )
        outputs = run(view)
        raw.append(weakref.ref(outputs.seg_logits))
        return outputs

    def recording_bring(*args):
        for maps in bring(*args):
            full_size.extend(weakref.ref(values) for values in maps)
            yield maps

    def recording_group(*args):
        grouped.append(args)
        return group(*args)

    monkeypatch.setattr(model, 'raw_outputs', recording_run)
    monkeypatch.setattr(model, 'at_originals', recording_bring)
    monkeypatch.setattr(model, 'make_predictions', recording_group)
    batch = panoptic_batch(num_images=2, size=SIZE)
    PanopticTTA(model, scales=(0.5, 1, 1.5), flip=True).test_step(batch)
    # No full-size map, and at most the small ones of the view before.
    assert all(full == 0 and small <= 1 for full, small in alive)
    assert len(alive) == 6
    assert len(full_size) == 6 * 2 * 3
    assert len(grouped) == 2


def test_a_class_that_no_view_sees_leaves_finite_logits(model, monkeypatch):
    run = model.raw_outputs

    def certain(view):
        maps = run(view)
        logits = torch.full_like(maps.seg_logits, -1e4)
        logits[:, 1] = 1e4
        return maps._replace(seg_logits=logits)

    monkeypatch.setattr(model, 'raw_outputs', certain)
    batch = panoptic_batch(num_images=1, size=SIZE)
    (merged,) = PanopticTTA(model, scales=(1,), flip=True).test_step(batch)
    assert merged.seg_logits.data.isfinite().all()


@pytest.mark.parametrize('scales', [(), (1, 0)])
def test_no_scale(model, scales):
    with pytest.raises(ValueError, match='tta_model.scales'):
        PanopticTTA(model, scales=scales, flip=True)


def test_finished_predictions_do_not_merge(model):
    with pytest.raises(NotImplementedError, match='test_step'):
        PanopticTTA(model, scales=(1,), flip=True).merge_preds([])
