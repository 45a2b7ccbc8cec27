"""The passes that a step is measured against are those that it makes."""

from collections import Counter

import pytest
from mmseg.models import EncoderDecoder
from training_step import PASSES, BarePasses, table_of_passes

from segda_mm.models.discriminators import DSCDiscriminator
from segda_mm.testing import tiny_bisenet
from studies.method_steps import METHODS, NUM_CLASSES, build_step, method_config


def counted(forward, name, calls):
    def call(*args):
        maps = forward(*args)
        calls.update([(name, maps.requires_grad)])
        return maps

    return call


@pytest.mark.parametrize(
    'method', ['supervised', 'adversarial', 'mean_teacher', 'mic', 'tent']
)
def test_a_step_makes_the_passes_of_the_table(method):
    cfg = method_config(method)
    tiny = tiny_bisenet(NUM_CLASSES)
    if method == 'supervised':
        cfg.model = dict(tiny, data_preprocessor=cfg.model.data_preprocessor)
    else:
        cfg.model.generator.segmentor = tiny
    model, step = build_step(cfg, 'cpu', 2, (32, 64))
    bare = BarePasses(model, method, 2, (32, 64))
    calls = Counter()
    for name, module in model.named_modules():
        if isinstance(module, EncoderDecoder):
            module = module.decode_head
        elif not isinstance(module, DSCDiscriminator):
            continue
        # Losses of heads call it past the hooks of modules.
        module.forward = counted(module.forward, name, calls)
    bare()
    expected = calls.copy()
    calls.clear()
    step()
    assert calls == expected
    names = [made.network for made in PASSES[method]]
    assert sum(calls.values()) == len(names) + names.count('discriminator') // 2


def test_every_method_has_a_row():
    assert PASSES.keys() == METHODS.keys()
    rows = table_of_passes(['adversarial']).splitlines()[2:]
    assert rows[0] == '| adversarial | generator | source | 1 | labels | 1 |'
    assert rows[1] == '|  | generator | target | 1 | discriminator | 1 |'
