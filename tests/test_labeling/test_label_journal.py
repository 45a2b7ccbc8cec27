"""Statistics that survive a kill."""

from segda_mm.labeling.label_journal import JOURNAL, LabelJournal


def test_parts_become_one_sorted_file(tmp_path):
    first, second = LabelJournal(tmp_path, 0), LabelJournal(tmp_path, 1)
    second.add('b.png', '12', dict(pixels=[1, 2]))
    first.add('c.png', '34', dict(pixels=[3, 4]))
    first.merge()
    second.add('a.png', '56', dict(pixels=[5, 6]))
    first.merge()
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]
    assert (tmp_path / JOURNAL).read_text().splitlines() == [
        '{"image": "a.png", "sha256": "56", "pixels": [5, 6]}',
        '{"image": "b.png", "sha256": "12", "pixels": [1, 2]}',
        '{"image": "c.png", "sha256": "34", "pixels": [3, 4]}',
    ]
    assert first.entries()['c.png'] == dict(sha256='34', pixels=[3, 4])


def test_a_cut_line_is_no_entry(tmp_path):
    journal = LabelJournal(tmp_path, 0)
    journal.add('a.png', '12', dict(pixels=[1]))
    part = tmp_path / 'statistics.part0.jsonl'
    with part.open('a') as stream:
        stream.write('{"image": "b.png", "pix')
    whole = {'a.png': dict(sha256='12', pixels=[1])}
    assert journal.entries() == whole
    # What is written to the end of a cut line is lost with it.
    journal.add('c.png', '34', dict(pixels=[2]))
    with part.open('ab') as stream:
        stream.write(bytes(3) + b'\n[1]\n{"image": "d.png"}\n')
    assert journal.entries() == whole
    journal.merge()
    journal.add('b.png', '56', dict(pixels=[2]))
    assert journal.entries() == whole | {'b.png': dict(sha256='56', pixels=[2])}
