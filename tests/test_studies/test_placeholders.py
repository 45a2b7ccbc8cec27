import pytest

from studies.experiment_error import ExperimentError
from studies.placeholders import fill_placeholders


@pytest.fixture
def study(world):
    study = world.study(decimals=dict(entropy=3))
    world.add_mIoU(
        study,
        source=[10.0, 12.0, 14.0],
        DSC=[11.0, 14.0, 13.7],
        oracle=[20.0, 20.0, 20.0],
    )
    world.add(study, 'DSC + PL', 1, metrics=dict(mIoU=14.04, entropy=0.12345))
    return study


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        # Deviation of (11, 14, 13.7): sqrt((1.9^2 + 1.1^2 + 0.8^2) / 2) = 1.65.
        ('<<mIoU: DSC>>', '12.9 ± 1.7'),
        ('<<mIoU: DSC - source>>', '+0.9 ± 1.2'),
        ('<<mIoU: source - DSC>>', '-0.9 ± 1.2'),
        ('<<each mIoU: DSC - source>>', '+1.0, +2.0, -0.3'),
        ('<<each mIoU: source>>', '10.0, 12.0, 14.0'),
        # 0.9 / (1.153 / sqrt(3))
        ('<<standard errors mIoU: DSC - source>>', '1.4'),
        # 10 %, 25 % and -5 %
        ('<<gap mIoU: DSC; source; oracle>>', '10 ± 15 %'),
        ('<<seeds: DSC>>', '3'),
        ('<<seeds: DSC + PL>>', '1'),
        ('<<mIoU: DSC + PL>>', '14.0'),
        ('<<mIoU: DSC + PL - DSC>>', '0.0'),
        ('<<entropy: DSC + PL>>', '0.123'),
        ('<<standard errors mIoU: DSC + PL - DSC>>', 'not run yet'),
        ('of\n<<mIoU:\nDSC>>, n = <<seeds: DSC>>', 'of\n12.9 ± 1.7, n = 3'),
    ],
)
def test_texts_take_their_figures_from_the_results(study, text, expected):
    assert fill_placeholders(text, study.results()) == expected


def test_what_was_not_run_is_said_so(world):
    results = world.study().results()
    for text in (
        'mIoU: DSC',
        'mIoU: DSC - source',
        'each mIoU: DSC - source',
        'standard errors mIoU: DSC - source',
        'gap mIoU: DSC; source; oracle',
    ):
        assert fill_placeholders(f'a <<{text}>> b', results) == 'a not run yet b'
    assert fill_placeholders('<<seeds: DSC>>', results) == '0'


@pytest.mark.parametrize(
    'text',
    [
        'mIoU: FCD',
        'mIoU DSC',
        'mIoU: DSC - source - oracle',
        'gap mIoU: DSC; source',
        'eech mIoU: DSC',
        'standard errors mIoU: DSC',
        'mIou: DSC',
        'seeds: ',
    ],
)
def test_a_wrong_placeholder_is_named(study, text):
    with pytest.raises(ExperimentError, match=f'^<<{text}>>: '):
        fill_placeholders(f'<<{text}>>', study.results())
