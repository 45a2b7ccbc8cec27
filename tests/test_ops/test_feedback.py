import pytest

from segda_mm.ops.feedback import alpha_ramp


@pytest.mark.parametrize(
    'epoch, settings, expected',
    [
        (0, {}, 0.0),
        (1, {}, 0.025315),
        (25, {}, 0.868246),
        (26, {}, 1.0),
        # Never above 1.
        (10, dict(growth_epochs=5, full_after_epoch=20), 1.0),
    ],
)
def test_alpha_of_the_paper(epoch, settings, expected):
    assert alpha_ramp(epoch, **settings) == pytest.approx(expected, abs=1e-6)
