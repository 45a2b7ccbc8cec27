"""What the benchmarks share: turns, medians, ratios and the stored line."""

import json
import time

import pytest
from scaling import slope
from timing import report, summary, time_ways, timed_lines


def test_ways_take_turns_after_a_warm_up():
    calls = []
    ways = {name: lambda name=name: calls.append(name) for name in 'ab'}
    time_ways(ways, repeats=3, warm_up=1)
    assert ''.join(calls) == 'ab' * 4


def test_times_in_milliseconds():
    assert summary([0.005, 0.001, 0.002, 0.004, 0.003]) == dict(
        ms=3.0, quartiles=[2.0, 4.0]
    )
    timing = time_ways(dict(wait=lambda: time.sleep(0.02)), repeats=2)['wait']
    assert 20 <= timing['quartiles'][0] <= timing['ms']
    ways = dict(wait=lambda: time.sleep(0.02))
    assert time_ways(ways, repeats=2, clock='cpu')['wait']['ms'] < 10


def test_lines_have_the_bound_and_are_stored(tmp_path, capsys):
    timings = {'': dict(ms=3.0), 'other': dict(ms=5.0), 'bare': dict(ms=2.0)}
    lines = timed_lines('step', '1x1', timings, bound='bare')
    assert lines == [
        dict(path='step', size='1x1', ms=3.0, bound_ms=2.0),
        dict(path='step, other', size='1x1', ms=5.0, bound_ms=2.0),
    ]
    out = tmp_path / 'lines.jsonl'
    report('toy', lines, dict(commit='abc', threads=0), str(out), extra=1)
    row = json.loads(out.read_text())
    assert row['lines'] == lines and row['threads'] >= 1
    assert (row['benchmark'], row['commit'], row['extra']) == ('toy', 'abc', 1)
    assert capsys.readouterr().out.splitlines()[1].endswith('5.00 ms    2.50')


@pytest.mark.parametrize('exponent', [-1.0, 0.5])
def test_the_slope_of_a_power_law(exponent):
    x = [1, 3, 10, 50]
    assert slope(x, [7 * value**exponent for value in x]) == pytest.approx(
        exponent, abs=1e-9
    )
