"""Statistics that survive a kill."""

from segda_mm.labeling.label_journal import JOURNAL, LabelJournal


def test_parts_become_one_sorted_file(tmp_path):
    first, second = LabelJournal(tmp_path, 0), LabelJournal(tmp_path, 1)
    second.add('b.png', dict(pixels=[1, 2]))
    first.add('c.png', dict(pixels=[3, 4]))
    first.merge()
    second.add('a.png', dict(pixels=[5, 6]))
    first.merge()
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]
    assert (tmp_path / JOURNAL).read_text().splitlines() == [
        '{"image": "a.png", "pixels": [5, 6]}',
        '{"image": "b.png", "pixels": [1, 2]}',
        '{"image": "c.png", "pixels": [3, 4]}',
    ]
    assert first.entries()['c.png'] == dict(pixels=[3, 4])


def test_a_cut_line_is_no_entry(tmp_path):
    journal = LabelJournal(tmp_path, 0)
    journal.add('a.png', dict(pixels=[1]))
    with (tmp_path / 'statistics.part0.jsonl').open('a') as stream:
        stream.write('{"image": "b.png", "pix')
    assert journal.entries() == {'a.png': dict(pixels=[1])}
    journal.merge()
    journal.add('b.png', dict(pixels=[2]))
    assert journal.entries() == {'a.png': dict(pixels=[1]), 'b.png': dict(pixels=[2])}
