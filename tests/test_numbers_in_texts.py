"""Numbers in README and docs are those of the stored results.

Tables are generated. A number in a sentence has to be in a results file that its
part of the page names: the part goes from one heading or paragraph with a bold lead
to the next. Figures of an evaluation count where the paragraph names them. Numbers
that are told together have to belong together, and a range has to be the whole one.
"""

import json
import math
import re
import runpy
import sys
from itertools import permutations
from pathlib import Path
from statistics import mean, stdev

import pytest

from segda_mm.apis.page_blocks import block_labels, fill_block
from segda_mm.apis.performance_table import LABEL, performance_table
from segda_mm.apis.results_file import read_rows
from segda_mm.apis.results_table import (
    PANOPTIC,
    RESULTS_OF,
    SEMANTIC,
    table_of_file,
)

ROOT = Path(__file__).parents[1]
GENERATED = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / 'README.md', *ROOT.glob('docs/**/*.md')]
    if block_labels(path.read_text(encoding='utf-8'))
)
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ('README.md', 'docs/*.md', 'configs/*/README.md')
    for path in ROOT.glob(pattern)
)

#: Words with numbers that are no results of ours, by page, and what they are.
ALLOWED = {
    'README.md': {
        'Python 3.10, 3.11 or 3.12': 'versions',
        'averages scales 0.75, 1 and 1.25': 'setting of the config',
        'void in at least 90 % of its true labels': 'what a bonnet is meant to be',
        'the paper: -0.7': 'Chen et al. 2020, Table 3',
    },
    'configs/adversarial/README.md': {
        'lambda_adv 0.001': 'setting of the paper and the configs',
        '189,424 parameters, 2.147 GFLOPs': 'counted in test_discriminators.py',
        '2,781,121 and 30.89': 'counted in test_discriminators.py',
    },
    'configs/imagenet/README.md': {
        '| 0.8 |': 'drop path of the configs',
        'SGD 0.1 for batches of 256': 'setting of the configs',
        'label smoothing 0.1': 'setting of the configs',
    },
    'configs/mpl/README.md': {
        'arXiv 2003.10580': 'a name',
        'class figures printed with it average 32.0': "the paper's table",
        'the 32.2 of plain pseudo labels': "the paper's table",
    },
    'configs/panoptic_deeplab/README.md': {
        'scales 0.5 to 2': 'setting of the paper and the configs',
        '1.3 to 1.5 B': 'differences of two columns of count_networks.py',
        'NumPy 2.4': 'version',
    },
    'configs/pseudo_label/README.md': {
        'at most 0.9': 'cap of the threshold, by the paper',
        "The paper's four rates: 1.25e-2": 'settings of the paper',
        '2.5e-2, 5e-2, 2.5e-4': 'settings of the paper',
    },
    'configs/supervised/README.md': {
        'SGD 2.5e-2, momentum 0.9, weight decay 1e-4': 'settings of the paper',
    },
    'docs/deployment.md': {'Under 99.9 %': 'what --verify asks for'},
    'docs/performance.md': {
        'a ratio of 1.18, is 85 %': 'LABELING_TARGET of performance_rows.py',
    },
    'docs/safe_files.md': {
        'PyTorch before 2.6': 'version',
        'before 2.10': 'version',
        'PyTorch 2.10': 'version',
    },
}

#: Tables that another test compares: page -> header -> that test.
TESTED_TABLES = {
    'configs/panoptic_deeplab/README.md': {
        '| network | parameters, M: here |': 'test_tools/test_count_networks.py'
    }
}

FILE = re.compile(r'benchmarks/results/[\w./-]+\.jsonl')
FENCE = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
PART = re.compile(r'^(?=#+ |\*\*)', re.MULTILINE)
#: Comments, code and links, in this order.
UNREAD = (r'<!--.*?-->', r'`[^`]*`', r'!?\[[^\]]*\]\([^)]*\)')
#: A paper's figures: the first sentence of a paragraph that says so.
PUBLISHED = re.compile(r'^Published\b.*?\.(?=\s|$)')
#: Not a version of three parts, and not part of a name.
NUMBER = re.compile(
    r'(?P<spread>± ?)?(?<![\w.])(?<![A-Za-z]-)(?P<number>[+-]?\d+(?P<decimals>\.\d+)?)'
    r'(?!\d|\.\d)(?P<exponent>e[+-]?\d+)?(?P<percent> ?%)?'
)
#: What stands between two numbers that are told together.
JOINT = re.compile(r',? (?:and|or) |, | to | ')
HEADINGS = {**SEMANTIC, **PANOPTIC}


class StoredResults:
    """What a text may quote of a results file.

    Attributes:
        groups: Pairs of a figure of the evaluation, None for other values, and values
            that belong together: those under one key, at one place of all
            lines, or of those of a method; mean, deviation and error over the seeds of
            a method; the means of all methods; differences between two methods seed by
            seed; their means from one method to all others.
    """

    def __init__(self, rows):
        self.figures = {figure for row in rows for figure in row.get('metrics', ())}
        self.groups = []
        stored, runs = {}, {}
        for row in rows:
            method = row.get('method')
            for place, value in leaves(row):
                for group in ((place[-1:], None), (place, None), (place, method)):
                    stored.setdefault(group, []).append(value)
            for figure, value in row.get('metrics', {}).items():
                if value is not None:
                    seeds = runs.setdefault(figure, {}).setdefault(method, {})
                    seeds[row['seed']] = value
        for (place, _), values in stored.items():
            figure = place[-1] if place[-1] in self.figures else None
            self.groups.append((figure, values))
        for figure, of_method in runs.items():
            self._add_spreads(figure, of_method.values())
            self._add_differences(figure, of_method)

    def named_in(self, text):
        """The groups that a text may mean."""
        headings = {figure: HEADINGS.get(figure, figure) for figure in self.figures}
        named = {
            figure
            for figure, heading in headings.items()
            if re.search(rf'(?<!\w){re.escape(heading)}(?!\w)', text)
        }
        return [values for figure, values in self.groups if figure in {None, *named}]

    def _add_spreads(self, figure, runs):
        samples = [list(seeds.values()) for seeds in runs]
        self.groups.append((figure, [mean(values) for values in samples]))
        for values in samples:
            if len(values) > 1:
                deviation = stdev(values)
                error = deviation / math.sqrt(len(values))
                self.groups.append((figure, [mean(values), deviation, error]))

    def _add_differences(self, figure, runs):
        means = {}
        for ours, theirs in permutations(runs, 2):
            baseline = runs[theirs]
            values = [
                value - baseline[seed]
                for seed, value in runs[ours].items()
                if seed in baseline
            ]
            if values:
                self.groups.append((figure, values))
                means.setdefault((ours, None), []).append(mean(values))
                means.setdefault((None, theirs), []).append(mean(values))
        self.groups.extend((figure, values) for values in means.values())


def leaves(value, place=()):
    """The floats in a line, each with the keys on the way to it."""
    if isinstance(value, float):
        yield place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*place, key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, place)


def unbacked(page, allowed=(), tested=()):
    """The numbers of a page that no stored result gives, each with its words.

    Args:
        page: Markdown, with results files named from the working directory.
        allowed: Words that are passed over.
        tested: Headers of tables that are.
    """
    for label in block_labels(page):
        page = fill_block(page, label, '')
    page = FENCE.sub(lambda code: f'<!-- {" ".join(FILE.findall(code[0]))} -->', page)
    found = []
    for part in PART.split(page):
        stored = [
            StoredResults(read_rows(file)) for file in sorted({*FILE.findall(part)})
        ]
        for paragraph in re.split(r'\n\s*\n', part):
            if not paragraph.startswith(tuple(tested)):
                found.extend(unbacked_in(paragraph, stored, allowed))
    return found


def unbacked_in(paragraph, stored, allowed):
    if paragraph.startswith('|'):
        paragraph = without_published_columns(paragraph)
    text = ' '.join(paragraph.split())
    for words in allowed:
        text = text.replace(words, ' ')
    text = PUBLISHED.sub('', text)
    for pattern in UNREAD:
        text = re.sub(pattern, ' ', text)
    groups = [group for results in stored for group in results.named_in(text)]
    for numbers in told_together(text):
        if not any(quotes(numbers, group) for group in groups):
            start, end = numbers[0].start(), numbers[-1].end()
            around = text[max(start - 30, 0) : end + 30]
            yield f'{text[start:end]} in "{around}"'


def told_together(text):
    """The numbers that are looked at, in lists of those that nothing parts."""
    lists = []
    for match in NUMBER.finditer(text):
        if match['decimals'] or match['percent'] or match['spread']:
            between = text[lists[-1][-1].end() : match.start()] if lists else ''
            if JOINT.fullmatch(between):
                lists[-1].append(match)
            else:
                lists.append([match])
    return lists


def without_published_columns(table):
    """A table without the columns whose heading says that they are published."""
    rows = [line.strip('|').split('|') for line in table.splitlines()]
    kept = [
        index for index, cell in enumerate(rows[0]) if 'published' not in cell.lower()
    ]
    return '\n'.join(
        f'| {" | ".join(row[index].strip() for index in kept)} |' for row in rows
    )


def quotes(numbers, group):
    """Whether numbers that are told together are of a group, rounded as they are."""
    if ' to ' in numbers[0].string[numbers[0].end() : numbers[-1].start()]:
        ends = min(group), max(group)
        return len(numbers) == 2 and all(map(is_rounded, numbers, ends))
    return all(any(is_rounded(number, value) for value in group) for number in numbers)


def is_rounded(match, value):
    """Whether a number in a text is a value, to the digits that it has."""
    number = float(match['number'] + (match['exponent'] or ''))
    tolerance = 0.5 * 10 ** -len((match['decimals'] or '.')[1:]) + 1e-9
    # A share is quoted in percent.
    scales = (1, 100) if match['percent'] and 0 <= value <= 1 else (1,)
    return any(abs(scale * value - number) <= tolerance for scale in scales)


@pytest.mark.parametrize('page', GENERATED)
def test_generated_tables_are_up_to_date(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path(page).read_text(encoding='utf-8')
    filled = text
    for label in block_labels(text):
        if label.startswith(RESULTS_OF):
            table = table_of_file(label.removeprefix(RESULTS_OF))
        else:
            assert label == LABEL, f'{page}: what writes the block "{label}"?'
            table = performance_table(read_rows('benchmarks/results/performance.jsonl'))
        filled = fill_block(filled, label, table)
    assert filled == text


def test_results_and_speed_are_generated_tables():
    assert {'README.md', 'docs/performance.md'} <= set(GENERATED)


def test_pages_of_experiments_are_up_to_date(monkeypatch):
    tool = ROOT / 'tools' / 'analysis' / 'results_pages.py'
    monkeypatch.setattr(sys, 'argv', [str(tool), '--check'])
    monkeypatch.chdir(ROOT)
    assert runpy.run_path(str(tool))['main']() == 0


@pytest.mark.parametrize('page', PAGES)
def test_numbers_are_stored_results(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = Path(page).read_text(encoding='utf-8')
    found = unbacked(text, ALLOWED.get(page, ()), TESTED_TABLES.get(page, ()))
    assert not found, f'{page}: {found}'


def test_nothing_is_allowed_in_vain():
    for page, words in ALLOWED.items():
        text = ' '.join((ROOT / page).read_text(encoding='utf-8').split())
        assert [word for word in words if word not in text] == [], page
    for page, headers in TESTED_TABLES.items():
        text = (ROOT / page).read_text(encoding='utf-8')
        assert all(f'\n{header}' in text for header in headers), page


#: Two methods, two seeds, and a file without methods.
ROWS = [
    dict(method=method, seed=seed, metrics=dict(mIoU=figure, AP=80.5), minutes=42.35)
    for method, seed, figure in [
        ('DSC', 0, 10.04),
        ('MPL', 0, 11.5),
        ('DSC', 1, 14.0),
        ('MPL', 1, 13.7),
    ]
]
MEMORY = dict(benchmark='memory', cases=[dict(peak=[5.72], share=0.931, runs=7)])


@pytest.fixture
def check(tmp_path, monkeypatch):
    """What is found in a page, in a folder with two results files."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'benchmarks' / 'results'
    folder.mkdir(parents=True)
    for name, rows in dict(runs=ROWS, memory=[MEMORY]).items():
        text = ''.join(f'{json.dumps(row)}\n' for row in rows)
        (folder / f'{name}.jsonl').write_text(text)

    def check(text, *allowed):
        return [words.split(' in "')[0] for words in unbacked(text, allowed)]

    return check


RUNS, MEMORIES = (f'`benchmarks/results/{name}.jsonl`' for name in ('runs', 'memory'))


@pytest.mark.parametrize(
    'text',
    [
        'mIoU 10.0, 10.04 and 14.00',
        'an mIoU of 12.0 ± 2.8, with a standard error of 2.0',
        'mIoU +1.5 and -0.3, in the mean +0.6: 1.46 more and 0.3 less, or -1.46',
        'an mIoU of 10.0 to 14.0, changed by -0.3 to +1.5',
        'in 42.4 minutes',
        'mIoU 10.0;\n\nAP 80.5 %, and another part after it.',
        'of 10 frames, 2026-11-22, version 2.11.0, Apache-2.0, at 512x256',
        '`99.9`, [99.9](a.md), <!-- 99.9 --> ![99.9](9.9.png)\n\n```\n99.9 %\n```',
        'it is\n\nPublished figures: 99.9 / 98.8.',
        '\n\n| mIoU | published |\n| --- | --- |\n| 10.0 | 77.7 |',
    ],
)
def test_a_number_of_the_results_is_known(check, text):
    assert check(f'# Title\n\nBy {RUNS}: {text}') == []


@pytest.mark.parametrize(
    ('text', 'number'),
    [
        ('mIoU 10.1', '10.1'),
        ('mIoU 10.05', '10.05'),
        ('mIoU +0.2', '+0.2'),
        ('mIoU of 12.0 ± 4', '12.0 ± 4'),
        ('gains 1.5 points', '1.5'),
        ('AP 1.5 higher', '1.5'),
        ('mIoU +1.5 and +0.3', '+1.5 and +0.3'),
        ('mIoU 11.5 to 14.0, 10.0 to 11.0', '11.5 to 14.0, 10.0 to 11.0'),
        ('mIoU 10.0 to 13.7', '10.0 to 13.7'),
        ('mIoU 10.0 and 2.8', '10.0 and 2.8'),
        ('mIoU 12.0 ± 0.8', '12.0 ± 0.8'),
        ('mIoU 10.0-17.7', '17.7'),
        ('1.7x as fast', '1.7'),
        ('33 % of it', '33 %'),
        ('93 % of it, which is a share of the other file', '93 %'),
        ('mIoU 10.0. 99.9 by Published figures', '99.9'),
        ('\n\nPublished: 99.9. Ours: 98.8', '98.8'),
        ('\n\n| mIoU | published |\n| --- | --- |\n| 9.9 | 7.7 |', '9.9'),
        ('\n\n## Next part\n\nmIoU 14.0', '14.0'),
        ('\n\n**Next part.** mIoU 14.0', '14.0'),
    ],
)
def test_an_invented_number_is_found(check, text, number):
    assert check(f'# Title\n\nBy {RUNS}: {text}') == [number]


def test_other_values_and_their_shares_are_known(check):
    assert check(f'{MEMORIES}: 5.7 GiB, 93 % or 93.1 %, 0.93') == []
    assert check(f'{MEMORIES}: 7.0 runs, 94 %, 572 %') == ['7.0', '94 %, 572 %']


def test_a_file_named_in_code_or_by_a_generated_table_counts(check):
    name = RUNS.strip('`')
    block = f'<!-- results of {name}: begin -->\n77.7\n<!-- results of {name}: end -->'
    assert check(f'mIoU 14.0\n\n{block}') == []
    assert check(f'mIoU 14.0\n\n```bash\ntool --out {name}  # 77.7\n```') == []
    assert check('mIoU 14.0') == ['14.0']


def test_only_allowed_words_are_passed_over(check):
    assert check('at most\n0.9, and 0.9', 'at most 0.9') == ['0.9']
    assert check('at least 0.9', 'at most 0.9') == ['0.9']
