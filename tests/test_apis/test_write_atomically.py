import json

import pytest

from segda_mm.apis.write_atomically import write_json


def test_file_is_whole_or_unchanged(tmp_path):
    path = tmp_path / 'new' / 'results.json'
    write_json(path, {'mIoU': 31.5})
    with pytest.raises(ValueError):
        write_json(path, {'mIoU': float('nan')})
    assert json.loads(path.read_text()) == {'mIoU': 31.5}
    assert [file.name for file in path.parent.iterdir()] == ['results.json']
