"""Messages on a long job."""

from unittest import mock

from segda_mm.labeling import progress
from segda_mm.labeling.progress import Progress


def test_rate_and_time_left():
    times = iter([100.0, 105.0, 120.0, 140.0])
    with mock.patch.object(progress, 'print_log') as log:
        job = Progress('Labelled', 7290, interval=10, clock=lambda: next(times))
        job.step(5)
        job.step(5)
        job.step(7280)
    messages = [call.args[0] for call in log.call_args_list]
    assert messages == [
        'Labelled 10 of 7290, 0.50 a second, 4:02:40 left',
        'Labelled 7290 of 7290, 182.25 a second, 0:00:00 left',
    ]
