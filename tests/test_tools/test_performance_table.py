"""From measured rows to the table, and the run over all benchmarks."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from segda_mm.apis.performance_rows import PerformanceLine, performance_lines
from segda_mm.apis.performance_table import performance_table
from segda_mm.apis.results_file import read_rows

ROOT = Path(__file__).parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def timing(median, **more):
    return dict(median=median, quartiles=[median - 1, median + 1], **more)


def step_row(milliseconds, **more):
    ways = {'bare passes': timing(100.0), 'training step': timing(milliseconds)}
    return dict(
        benchmark='training_step',
        method='mpl',
        size='128x256',
        batch_size=4,
        ways=ways,
        bound='bare passes',
        ratios={'training step': milliseconds / 100},
        **more,
    )


def cells(table):
    """The cells of every line but header and rule."""
    lines = [line for line in table.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines][2:]


def test_a_step_is_judged_by_its_ratio():
    row = step_row(105.0, machine='2 cores', commit='abc', date='today', peak_mib=900)
    table = performance_table([row])
    assert cells(table) == [
        [
            'training step, mpl',
            '128x256, batch 4',
            '105.00',
            '104.00 to 106.00',
            '100.00',
            '1.05',
            '1.05',
            '900',
            'met',
        ]
    ]
    assert table.startswith('**2 cores, cpu** (commit abc, today)\n\n| path')
    assert cells(performance_table([step_row(106.0)]))[0][-1] == 'not met'


def test_the_newest_row_of_a_machine_counts():
    rows = [
        step_row(120.0, machine='a'),
        step_row(130.0, machine='b'),
        step_row(104.0, machine='a'),
        step_row(99.0, machine='a', device='cuda'),
    ]
    table = performance_table(rows)
    assert [line[2] for line in cells(table.split('**b')[0])] == ['104.00']
    assert table.count('| path') == 3
    assert '130.00' in table and '99.00' in table and '120.00' not in table


def test_lines_without_bound_target_or_spread():
    line = PerformanceLine('path', 'size', 7.0)
    assert (line.ratio, line.met) == (None, None)
    # Nothing to divide by: the ratio cannot be judged, the time can.
    line = PerformanceLine('path', 'size', 7.0, target_ratio=1.05)
    assert line.met is None
    line = PerformanceLine('path', 'size', 7.0, target_ratio=1, target_milliseconds=8)
    assert line.met is True
    line = PerformanceLine('path', 'size', 7.0, None, 6.0, 1.05, 8)
    assert line.met is False


def test_rows_of_others_are_passed_over_and_broken_ones_named():
    broken = dict(step_row(100.0), ways={})
    table = performance_table([dict(method='DSC', seed=0), broken, step_row(101.0)])
    assert len(cells(table)) == 1
    assert 'Not shown: a row of training_step cannot be read' in table
    with pytest.raises(ValueError, match=r'run tools/benchmark/training_step\.py'):
        performance_lines(broken)


def test_stored_panoptic_rows_are_read():
    """Lines that were written before there was a lower bound in them."""
    rows = read_rows(ROOT / 'benchmarks/results/panoptic_speed.jsonl')
    lines = {
        (line.path, line.size): line for row in rows for line in performance_lines(row)
    }
    ours = lines['panoptic post-processing', '2048x1024']
    assert (ours.milliseconds, ours.peak_mib, ours.met) == (45.39, 67.1, True)
    assert ours.target_milliseconds == 60
    assert lines['panoptic post-processing, straightforward', '1024x512'].met is None
    assert lines['panoptic evaluation, PQ', '2048x1024'].target_milliseconds == 4


def test_a_bound_of_post_processing_and_of_class_thresholds():
    entry = dict(ours=timing(12.0), straightforward=timing(90.0), bound=timing(3.0))
    ours, other = performance_lines(
        dict(
            benchmark='panoptic_post_processing',
            bound='bound',
            sizes=[dict(size='1024x512', milliseconds=entry)],
        )
    )
    assert (ours.ratio, ours.met, ours.peak_mib) == (4.0, True, None)
    assert (other.ratio, other.met) == (30.0, None)
    lines = performance_lines(
        dict(
            benchmark='class_thresholds',
            size='1024x512',
            bound='PNG alone',
            of_image={'PNG alone': timing(10.0), **entry},
            of_data_set=dict(ours=timing(21.0)),
            growth_mib={'10 images': 3.0, '50 images': 4.0},
        )
    )
    assert [line.met for line in lines] == [True, None, False]
    assert lines[0].bound == 10.0
    assert lines[2].peak_mib == 4.0


def test_labelling_is_judged_by_its_bare_network():
    views = dict(seconds_an_image=1.0, network_share=0.9, peak_mib=700.0)
    row = dict(
        benchmark='labeling',
        size='512x256',
        scales=[1, 2],
        results={
            'all views': dict(views, bare_network_seconds=0.8),
            'without flips': views,
        },
    )
    whole, part = performance_lines(row)
    assert (whole.path, whole.size) == ('labelling, all views', '512x256, 2 scales')
    assert (whole.milliseconds, whole.bound, whole.ratio) == (1000, 800, 1.25)
    assert (whole.met, part.met) == (False, None)


def test_data_loading_is_judged_by_the_step_it_feeds():
    steps = {'whole sample': timing(60.0), 'bound: decoding the image': timing(40.0)}
    verdict = dict(workers=4, batch_ms=120.0, step_ms=100)
    source, whole = performance_lines(
        dict(
            benchmark='data_loading',
            batch_size=4,
            transforms=dict(source=steps),
            verdict=verdict,
        )
    )
    assert (source.path, source.ratio, source.met) == (
        'data loading, source',
        1.5,
        None,
    )
    assert (whole.size, whole.met) == ('batch 4', False)


def test_frames_of_the_miniature_world_are_counted_singly():
    looks = dict(gta5=dict(median=80.0, quartiles=[72.0, 96.0]))
    row = dict(benchmark='minicity_speed', size='512x256', frames=8, milliseconds=looks)
    (line,) = performance_lines(row)
    assert (line.milliseconds, line.quartiles) == (10.0, (9.0, 12.0))


def test_ways_of_inference_are_divided_by_the_bare_network():
    ways = {'bare network, fp32': timing(50.0), 'PyTorch bf16': timing(25.0)}
    config = 'configs/supervised/supervised_bisenetv1-r18_a-512x1024.py'
    results = [dict(config=config, size='512x1024', ways=ways)]
    (line,) = performance_lines(dict(benchmark='inference', results=results))
    assert line.path == 'inference, bisenetv1-r18, PyTorch bf16'
    assert (line.ratio, line.met) == (0.5, None)


def test_the_table_replaces_what_stands_between_the_markers(tmp_path, monkeypatch):
    results, page = tmp_path / 'rows.jsonl', tmp_path / 'page.md'
    begin, end = (f'<!-- performance table: {side} -->' for side in ('begin', 'end'))
    results.write_text(json.dumps(step_row(104.0)) + '\n')
    page.write_text(f'before\n{begin}\nold\n{end}\nafter\n')
    tool = load('tools/analysis/performance_table.py')
    monkeypatch.setattr(sys, 'argv', ['', str(results), '--into', str(page)])
    tool.main()
    once = page.read_text()
    assert once.startswith(f'before\n{begin}\n\n**') and 'old' not in once
    assert once.endswith(f'|\n\n{end}\nafter\n')
    tool.main()
    assert page.read_text() == once
    page.write_text(f'{begin}\n')
    with pytest.raises(SystemExit, match='page.md: the page needs one line'):
        tool.main()


@pytest.fixture
def tool():
    return load('tools/benchmark/all.py')


@pytest.fixture
def fakes(tool, tmp_path, monkeypatch):
    """Tools that write a row, fail, and end well without a row."""
    bodies = dict(
        good="print('noise'); open(sys.argv[-1], 'a').write(sys.argv[1] + '\\n')",
        bad="sys.exit('no such disk')",
        silent='pass',
    )
    for name, body in bodies.items():
        (tmp_path / f'{name}.py').write_text(f'import sys\n{body}\n')
    monkeypatch.setattr(tool, 'FOLDER', tmp_path)
    return tmp_path


def test_one_that_fails_does_not_stop_the_others(tool, fakes, capsys):
    rows = [json.dumps(step_row(milliseconds)) for milliseconds in (101.0, 110.0)]
    benchmarks = [
        tool.Benchmark('bad one', 'bad', (), 1),
        tool.Benchmark('first', 'good', (rows[0],), 1),
        tool.Benchmark('silent one', 'silent', (), 1),
        tool.Benchmark('second', 'good', (rows[1],), 1),
    ]
    out = fakes / 'results' / 'rows.jsonl'
    assert tool.run_all(benchmarks, out) == ['bad one', 'silent one']
    assert read_rows(out) == [json.loads(row) for row in rows]
    printed = capsys.readouterr().out
    assert 'it ended with 1: no such disk' in printed
    assert 'wrote no row' in printed
    # What a failed one printed is kept, and nothing of the others.
    assert [file.name for file in out.parent.glob('*.txt')] == ['rows-bad one.txt']


def test_the_table_comes_last_and_a_failure_is_told(tool, fakes, capsys, monkeypatch):
    row = json.dumps(step_row(101.0))
    monkeypatch.setattr(tool, 'ON_CPU', [tool.Benchmark('good', 'good', (row,), 1)])
    monkeypatch.setattr(tool, 'ON_CUDA', tool.ON_CPU)
    monkeypatch.setattr(tool, 'ON_BOTH', [tool.Benchmark('bad', 'bad', (), 1)])
    out = fakes / 'performance.jsonl'
    out.write_text(json.dumps(step_row(300.0)) + '\n')
    monkeypatch.setattr(sys, 'argv', ['all.py', '--out', str(out)])
    assert tool.main() == 1
    printed = capsys.readouterr().out
    assert [line[2] for line in cells(printed)] == ['101.00']
    assert '1 of 2 failed: bad' in printed
    assert len(read_rows(out)) == 2
    assert not (fakes / 'performance-running.jsonl').exists()
    monkeypatch.setattr(sys, 'argv', ['all.py', '--out', str(out), '--skip', 'bad'])
    assert tool.main() == 0


def test_every_benchmark_is_chosen_by_its_name_or_its_tool(tool):
    benchmarks = [*tool.ON_CPU, *tool.ON_BOTH]
    names = [benchmark.name for benchmark in benchmarks]
    assert len(set(names)) == len(names)
    assert sum(benchmark.seconds for benchmark in benchmarks) < 20 * 60
    steps = tool.chosen(benchmarks, ['training_step', 'scaling'], ['scaling'])
    assert {step.tool for step in steps} == {'training_step'}
    one = tool.chosen(benchmarks, ['training_step-mpl-128x256'], [])
    assert [step.arguments[1] for step in one] == ['mpl']


TOOLS = (
    'training_step',
    'class_thresholds',
    'labeling',
    'data_loading',
    'inference',
    'panoptic_post_processing',
    'panoptic_evaluation',
    'minicity_speed',
    'scaling',
)


def test_no_benchmark_is_forgotten(tool):
    assert {benchmark.tool for benchmark in (*tool.ON_CPU, *tool.ON_BOTH)} == set(TOOLS)
    assert {benchmark.tool for benchmark in tool.ON_CUDA} <= set(TOOLS)


@pytest.mark.parametrize('name', TOOLS)
def test_a_benchmark_takes_the_arguments_that_it_is_given(tool, monkeypatch, name):
    if name == 'inference':
        pytest.importorskip('onnxruntime')
    # As Python does for a tool that is started.
    monkeypatch.syspath_prepend(ROOT / 'tools/benchmark')
    benchmark = load(f'tools/benchmark/{name}.py')
    for run in (*tool.ON_CPU, *tool.ON_CUDA, *tool.ON_BOTH):
        if run.tool == name:
            monkeypatch.setattr(sys, 'argv', [name, *run.arguments, '--out', 'rows'])
            assert benchmark.parse_args().out == 'rows'
