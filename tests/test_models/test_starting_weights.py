"""A segmentor starts from another training's network, with its head or without."""

import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope

from segda_mm.models.starting_weights import StartingWeights
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet

CLASSES = ['road', 'car', 'person', 'sky']


def build(num_classes=4, **start):
    init_default_scope('mmseg')
    torch.manual_seed(len(start))
    config = tiny_bisenet(num_classes)
    if start:
        config.init_cfg = dict(type='StartingWeights', **start)
    model = MODELS.build(config)
    model.init_weights()
    return model.state_dict()


@pytest.fixture
def saved(tmp_path):
    """Write a network under a prefix, and say the classes it tells apart."""

    def save(state, prefix='student_generator.segmentor.', classes=CLASSES):
        state = {f'{prefix}{name}': value for name, value in state.items()}
        meta = dict(dataset_meta=dict(classes=classes)) if classes else {}
        torch.save(dict(state_dict=state, meta=meta), tmp_path / 'net.pth')
        return str(tmp_path / 'net.pth')

    return save


@pytest.mark.parametrize('prefix', ['', 'generator.segmentor.', 'my.', 'segmentor.'])
def test_the_whole_network_is_found_and_taken(prefix, saved):
    state = build()
    given = dict(prefix=prefix) if prefix == 'my.' else {}
    start = build(checkpoint=saved(state, prefix), classes=CLASSES, **given)
    assert all(torch.equal(start[name], state[name]) for name in state)


def test_a_file_of_a_zoo_is_read_without_its_code(tmp_path):
    """As MMSegmentation 0.x and 1.x write them, with names of classes and a history."""
    state = build()
    content = dict(
        meta=dict(CLASSES=tuple(CLASSES)),
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1]))),
        state_dict=state,
    )
    torch.save(content, tmp_path / 'zoo.pth')
    start = build(checkpoint=str(tmp_path / 'zoo.pth'), classes=CLASSES)
    assert all(torch.equal(start[name], state[name]) for name in state)
    with pytest.raises(ValueError, match='4 classes .*4 others'):
        build(checkpoint=str(tmp_path / 'zoo.pth'), classes=CLASSES[::-1])


@pytest.mark.parametrize(
    ('classes', 'num_classes'), [(['a', 'b'], 2), (CLASSES[::-1], 4)]
)
def test_another_head_is_skipped_when_asked(classes, num_classes, saved):
    """Also where only the names of the classes differ."""
    state = build()
    file = saved(state)
    with pytest.raises(ValueError, match=f"4 classes .*{num_classes} others.*'skip'"):
        build(num_classes, checkpoint=file, classes=classes)
    start = build(num_classes, checkpoint=file, classes=classes, head='skip')
    fresh = {name for name in state if not torch.equal(start[name], state[name])}
    heads = ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1')
    # Biases are drawn as 0, and so those of both are.
    assert fresh >= {f'{head}.conv_seg.weight' for head in heads}
    assert all('.conv_seg.' in name for name in fresh)
    # They are drawn as heads are, and not left as they were allocated.
    assert start['decode_head.conv_seg.weight'].std() == pytest.approx(0.01, rel=0.3)
    assert not start['decode_head.conv_seg.bias'].any()


def test_what_is_no_such_network_is_told(saved):
    state = build()
    without = {k: v for k, v in state.items() if 'context_path.backbone' not in k}
    with pytest.raises(ValueError, match='another network: backbone.context_path'):
        build(checkpoint=saved(without), head='skip')
    with pytest.raises(ValueError, match='keys begin with other.*Set prefix'):
        build(checkpoint=saved(state, 'other.'))
    with pytest.raises(ValueError, match="head='drop' must be"):
        StartingWeights('x.pth', head='drop')
