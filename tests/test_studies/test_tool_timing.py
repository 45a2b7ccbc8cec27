"""What the benchmarks share: turns, medians and ratios."""

import importlib.util
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def timing():
    path = ROOT / 'studies/benchmarks/timing.py'
    spec = importlib.util.spec_from_file_location('timing', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ways_take_turns_after_a_warm_up(timing):
    calls = []
    ways = {name: lambda name=name: calls.append(name) for name in 'ab'}
    timings = timing.time_ways(ways, repeats=3, warm_up=1)
    assert ''.join(calls) == 'ab' * 4
    assert [entry['runs'] for entry in timings.values()] == [3, 3]


def test_waiting_takes_time_but_no_processor_time(timing):
    def compute():
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    ways = dict(wait=lambda: time.sleep(0.02), compute=compute)
    timings = timing.time_ways(ways, repeats=3, warm_up=0)
    for entry in timings.values():
        low, high = entry['quartiles']
        assert 20 <= entry['fastest'] <= low <= entry['median'] <= high
    assert timings['wait']['processor_median'] < 10
    assert timings['compute']['processor_median'] >= 20


def test_summary_in_milliseconds(timing):
    assert timing.summary([0.005, 0.001, 0.002, 0.004, 0.003]) == dict(
        median=3.0, quartiles=[2.0, 4.0], fastest=1.0, runs=5
    )


def test_the_printed_ratios_are_those_to_the_bound(timing, capsys):
    rows = {
        'bound': dict(median=2.0, quartiles=[1.0, 3.0]),
        'a way whose name is longer than the first column': dict(
            median=5.0, quartiles=[4.0, 6.0]
        ),
    }
    timing.print_table('what', rows, 'bound')
    head, first, second = capsys.readouterr().out.splitlines()
    assert len(head) == len(first) == len(second)
    assert first.split()[-1] == '1.00'
    assert second.split()[-1] == '2.50'
