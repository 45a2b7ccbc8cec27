"""The moving picture of the README, of two frames."""

import numpy as np
import pytest
from PIL import Image

from studies.readme_picture import MILLISECONDS, WIDTH, main, moving_picture


def test_frames_stand_beside_their_overlays_in_order(tmp_path, capsys):
    for folder, values in (('frames', (0, 80)), ('overlays', (160, 240))):
        (tmp_path / folder).mkdir()
        for name, value in zip('ab', values):
            picture = Image.new('L', (64, 32), value)
            picture.save(tmp_path / folder / f'{name}.png')
    out = tmp_path / 'drive.webp'
    main([str(tmp_path / 'frames'), str(tmp_path / 'overlays'), str(out)])
    assert '2 frames' in capsys.readouterr().out
    with Image.open(out) as moving:
        assert (moving.n_frames, moving.size) == (2, (WIDTH, WIDTH // 4))
        for place, (left, right) in enumerate(((0, 160), (80, 240))):
            moving.seek(place)
            pixels = np.asarray(moving.convert('RGB')).astype(int)
            assert moving.info['duration'] == MILLISECONDS
            assert abs(pixels[50, 100] - left).max() < 4
            assert abs(pixels[50, WIDTH - 100] - right).max() < 4


def test_no_frames_are_no_picture(tmp_path):
    with pytest.raises(FileNotFoundError, match='holds no'):
        moving_picture(tmp_path, tmp_path, tmp_path / 'out.webp')
