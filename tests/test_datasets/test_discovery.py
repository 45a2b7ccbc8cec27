"""Which files are taken: capitals, links, brackets, lists, and labels of our own."""

from __future__ import annotations

import json
import os

import pytest

from segda_mm.datasets import (
    CityscapesFineDataset,
    CityscapesSequenceDataset,
    DataError,
    GTA5Dataset,
    MissingDataError,
    UnlabeledImageDataset,
    discovery,
)
from segda_mm.datasets.discovery import VIDEO_SUFFIXES, find_files


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(given, **kwargs):
    folder, names = find_files(given, **kwargs)
    assert all(os.path.isfile(f'{folder}/{name}') for name in names)
    return names


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ('', ['a.jpg', 'b.Jpg', 'c.JPEG', 'sub/d.TiF', 'sub/e.png']),
        ('*', ['a.jpg', 'b.Jpg', 'c.JPEG']),
        ('*.jpg', ['a.jpg', 'b.Jpg']),
        ('**/*.[pt]*', ['sub/e.png']),
        ('**', ['a.jpg', 'b.Jpg', 'c.JPEG', 'sub/d.TiF', 'sub/e.png']),
        ('**/sub/*.tif', ['sub/d.TiF']),
        ('s*/*.???', ['sub/d.TiF', 'sub/e.png']),
    ],
)
def test_capitals(tmp_path, given, expected):
    touch(tmp_path, 'a.jpg', 'b.Jpg', 'c.JPEG', 'sub/d.TiF', 'sub/e.png')
    touch(tmp_path, 'sub/n.txt', '.hidden.png', '.cache/f.png')
    assert found(f'{tmp_path}/{given}') == expected


def test_capitals_in_pairs(tmp_path, write_image, write_label, names_of):
    for image, label in (
        ('1.PNG', '1.png'),
        ('2.png', '2.Png'),
        ('x/3.Png', 'x/3.PNG'),
    ):
        write_image(tmp_path / 'images' / image)
        write_label(tmp_path / 'labels' / label, 7)
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadLabelIds')]
    dataset = GTA5Dataset(data_root=str(tmp_path), pipeline=pipeline)
    assert names_of(dataset) == ['1.PNG', '2.png', 'x/3.Png']
    assert all(dataset[i]['gt_seg_map'].max() == 0 for i in range(3))
    write_label(tmp_path / 'labels/1.PNG', 7)
    with pytest.raises(DataError, match=r"1\.png: differs from '1\.PNG' only in capit"):
        GTA5Dataset(data_root=str(tmp_path))


def test_capitals_of_cityscapes(cityscapes_root, names_of):
    for path in sorted(cityscapes_root.rglob('*_000000_*')):
        path.rename(path.with_suffix('.PNG'))
    assert len(CityscapesFineDataset(data_root=str(cityscapes_root))) == 5
    # They are taken for frames, though not enough of them for a snippet.
    with pytest.raises(DataError, match='no whole snippets'):
        CityscapesSequenceDataset('leftImg8bit/train', data_root=str(cityscapes_root))


def link_into_itself(root):
    (root / 'day/loop').symlink_to(root, target_is_directory=True)


def link_both_ways(root):
    (root / 'day/to').symlink_to(root / 'night')
    (root / 'night/to').symlink_to(root / 'day')


def link_a_file(root):
    (root / 'a.png').symlink_to(root / 'day/a.png')


def link_a_folder(root):
    (root / 'all').symlink_to(root / 'night')


def link_hard(root):
    os.link(root / 'day/a.png', root / 'night/again.png')


@pytest.mark.parametrize(
    'link', [link_into_itself, link_both_ways, link_a_file, link_a_folder, link_hard]
)
@pytest.mark.parametrize('pattern', ['', '/**', '/**/*.png', '/*/**/*.png'])
def test_each_file_once_under_its_own_name(tmp_path, link, pattern):
    touch(tmp_path, 'day/a.png', 'night/b.png')
    link(tmp_path)
    assert found(f'{tmp_path}{pattern}') == ['day/a.png', 'night/b.png']


def test_lists_name_a_file_once(tmp_path):
    touch(tmp_path, 'a.png', 'b.png')
    link_to_a = tmp_path / 'z.png'
    link_to_a.symlink_to('a.png')
    (tmp_path / 'list.txt').write_text('b.png\n./b.png\nz.png\na.png\n')
    names = ['a.png', 'b.png']
    assert found(tmp_path / 'list.txt') == names
    assert found([f'{tmp_path}/a.png', link_to_a, f'{tmp_path}/x/../b.png']) == names
    # Alone, a link is as good as the file.
    assert found(link_to_a) == ['z.png']


def test_pairs_keep_every_name_but_no_circle(gta5_root, names_of):
    names = names_of(GTA5Dataset(data_root=str(gta5_root)))
    for folder in ('images', 'labels'):
        (gta5_root / folder / 'loop').symlink_to(gta5_root / folder)
        # One label may be that of two images.
        (gta5_root / folder / 'twin.png').symlink_to('00001.png')
    assert names_of(GTA5Dataset(data_root=str(gta5_root))) == [*names, 'twin.png']


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ('run [1]', ['a.png', 'b[2].png', 'sub [x]/c.png']),
        ('run [1]/*.png', ['a.png', 'b[2].png']),
        ('run [1]/sub [x]', ['c.png']),
        ('run [1]/b[2].png', ['b[2].png']),
        ('*/sub [x]/*', ['run [1]/sub [x]/c.png']),
        ('*/b[2]*', ['run [1]/b[2].png']),
        ('run [1]/[ac].png', ['a.png']),
        ('run [[]1]/[ab]*', ['run [1]/a.png', 'run [1]/b[2].png']),
        ('what?.png', ['what?.png']),
        ('star*.png', ['star*.png']),
    ],
)
def test_paths_stand_for_themselves_before_patterns(tmp_path, given, expected):
    touch(tmp_path, *(f'run [1]/{n}' for n in ('a.png', 'b[2].png', 'sub [x]/c.png')))
    touch(tmp_path, 'what?.png', 'whats.png', 'star*.png', 'stars.png', 'run 1/d.png')
    assert found(tmp_path / given) == expected


def test_several_of_all_kinds(tmp_path):
    touch(tmp_path, 'a/1.png', 'a/x/2.PNG', 'b/3.jpg', 'b/4.jpg', '5.png', '#6.png')
    (tmp_path / 'more.txt').write_text('# two\n#6.png\na/1.png\n')
    given = ['a', 'b/3*', '5.png', 'more.txt']
    expected = ['#6.png', '5.png', 'a/1.png', 'a/x/2.PNG', 'b/3.jpg']
    assert found(given, root=str(tmp_path)) == expected
    assert found([tmp_path / name for name in given]) == expected


def test_what_was_found_and_left_out_is_told(tmp_path, monkeypatch, names_of):
    told = []
    discovery._tell.cache_clear()
    monkeypatch.setattr(discovery, 'print_log', lambda text, **_: told.append(text))
    touch(tmp_path, 'a.png', 'b.png', 'c.HEIC', 'd.heic', 'e.mp4', 'notes.md')
    (tmp_path / 'z.png').symlink_to('a.png')
    touch(tmp_path, 'out/a.png', 'out/b.png', 'own/c.png')
    identity = dict(identity={}, origin={})
    (tmp_path / 'out/identity.json').write_text(json.dumps(identity))
    (tmp_path / 'own/identity.json').write_text('{"camera": 1}')
    for _ in range(2):
        dataset = UnlabeledImageDataset(str(tmp_path))
        assert names_of(dataset) == ['a.png', 'b.png', 'own/c.png']
    assert told == [
        f'{tmp_path}: 3 images; left out: 1 further names of them; left out: 2 labels '
        'or predictions written here; left out: 2 .heic; left out: 1 .mp4'
    ]


@pytest.mark.parametrize('given', ['labels', 'labels/*.png', '*/*/b.png', ['labels']])
def test_labels_of_our_own_are_no_images(tmp_path, given):
    touch(tmp_path, 'labels/a.png', 'labels/sub/b.png')
    identity = json.dumps(dict(identity={}, origin={}))
    (tmp_path / 'labels/identity.json').write_text(identity)
    with pytest.raises(
        DataError, match='holds labels or predictions that this package wrote'
    ):
        find_files(given, root=str(tmp_path))


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, 'Permission denied', path)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(DataError, match=r'cannot be read \(Permission denied\)'):
        find_files(tmp_path)


def test_videos(tmp_path):
    touch(tmp_path, 'a.mp4', 'b.MOV', 'c.png', 'x.mp4/d.avi')
    assert found(tmp_path, suffixes=VIDEO_SUFFIXES) == ['a.mp4', 'b.MOV', 'x.mp4/d.avi']
    assert found(f'{tmp_path}/*.mov', suffixes=VIDEO_SUFFIXES) == ['b.MOV']
    assert discovery.is_video(tmp_path / 'b.MOV')
    assert not discovery.is_video(tmp_path / 'x.mp4')


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ('gone.png', r'gone\.png: file does not exist'),
        ('gone', 'gone: folder does not exist'),
        ('gone [1]', 'no image matches'),
        ('empty', 'empty: folder holds no file'),
        ([], 'the list given as images= is empty'),
    ],
)
def test_what_is_absent_is_named(tmp_path, given, message):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(MissingDataError, match=message):
        find_files(given, root=str(tmp_path))
