import json
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'analysis' / 'count_networks.py'


def test_the_table_of_published_counts(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [str(TOOL)])
    runpy.run_path(str(TOOL))['main']()
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]
    assert rows[2] == [
        'WR-38',
        '224 x 224',
        '109.184',
        '109',
        '+0.17%',
        '45.985',
        '46',
        '-0.032%',
        '45.985',
    ]
    assert rows[7] == [
        'the same, multi-grid (1, 2, 4)',
        '1025 x 2049',
        '147.270',
        '147.27',
        '-0.00%',
        '3245.032',
        '3246.4',
        '-0.042%',
        '3202.324',
    ]
    assert len([row for row in rows if len(row) == 9]) == 2 + 7
    assert lines[11].startswith('- WR-38: backbone.conv1 1,856, backbone.b2 820,992, ')
    assert lines[12].endswith('backbone.b6 25,191,424, head.fc 2,049,000')
    assert len(lines) == 16
    # The table that a reader sees leaves out the differences.
    page = (ROOT / 'configs/panoptic_deeplab/README.md').read_text(encoding='utf-8')
    table = page.partition('| network | parameters, M: here |')[2].split('\n\n')[0]
    shown = [line.strip('| ').split(' | ') for line in table.splitlines()[2:]]
    assert len(shown) == 7
    for ours, printed in zip(shown, rows[2:]):
        assert ours[0].startswith(printed[0])
        assert [ours[1], ours[3], ours[5]] == [printed[2], printed[5], printed[8]]
        assert float(ours[2]) == float(printed[3])
        assert float(ours[4]) == float(printed[6])


def test_the_figures_of_one_network(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [str(TOOL), '--only', 'panoptic-wr41'])
    runpy.run_path(str(TOOL))['main']()
    figures = json.loads(capsys.readouterr().out)
    # Table 8 of the paper.
    assert round(figures['parameters'], 2) == 147.27
    assert abs(figures['multiply_adds'] / 3238.81 - 1) < 1e-3
    assert figures['native_multiply_adds'] < figures['multiply_adds']
