import pytest
import torch

from segda_mm.models.backbones.drop_path import DropPath


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_whole_samples_are_dropped_and_the_mean_is_kept(dtype):
    torch.manual_seed(0)
    branch = torch.ones(20_000, 2, 3, 1, dtype=dtype)
    out = DropPath(0.8)(branch).flatten(1)
    assert out.dtype == dtype
    assert set(out[:, 0].tolist()) == {0.0, 1.25}
    assert torch.equal(out, out[:, :1].expand_as(out))
    # Five standard deviations of the mean.
    assert out[:, 0].float().mean() == pytest.approx(1, abs=5 * 0.5 / 20_000**0.5)


def test_nothing_happens_in_eval_mode_or_with_a_survival_of_1():
    branch = torch.randn(4, 2)
    assert DropPath(0.8).eval()(branch) is branch
    assert DropPath(1.0)(branch) is branch
