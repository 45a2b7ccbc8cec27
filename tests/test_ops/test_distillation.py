import math

import pytest
import torch

from segda_mm.ops.distillation import distillation_divergence


def test_the_divergence_is_that_of_the_formula():
    draw = torch.Generator().manual_seed(0)
    student, teacher = (
        torch.randn(2, 5, 3, 4, generator=draw, dtype=torch.float64) for _ in range(2)
    )
    found = distillation_divergence(student, teacher, temperature=3.0)
    assert found.shape == (2, 3, 4) and (found > 0).all()
    for n, y, x in ((0, 0, 0), (1, 2, 3)):
        p, q = (
            [math.exp(float(z) / 3) for z in logits[n, :, y, x]]
            for logits in (teacher, student)
        )
        p, q = ([value / sum(values) for value in values] for values in (p, q))
        expected = 9 * sum(a * math.log(a / b) for a, b in zip(p, q))
        assert float(found[n, y, x]) == pytest.approx(expected, rel=1e-12)
    assert not distillation_divergence(teacher, teacher, 1.0).any()


def test_one_channel_is_two_classes():
    draw = torch.Generator().manual_seed(0)
    one, two = (torch.randn(2, c, 3, 4, generator=draw) for c in (1, 2))
    as_two = torch.cat([torch.zeros_like(one), one], dim=1)
    torch.testing.assert_close(
        distillation_divergence(one, two, 2.0),
        distillation_divergence(as_two, two, 2.0),
    )
