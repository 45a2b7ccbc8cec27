import hashlib
import json

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from segda_mm import __version__
from segda_mm.apis import PreflightError, export_weights
from segda_mm.models.checkpoints import load_network_weights
from segda_mm.registry import MODELS
from segda_mm.testing import tiny_bisenet


@pytest.fixture
def run(tmp_path):
    """A checkpoint with keys as a run of Meta Pseudo Labels has them."""
    init_default_scope('mmseg')
    state = {}
    for seed, role in enumerate(('student', 'teacher')):
        torch.manual_seed(seed)
        segmentor = MODELS.build(tiny_bisenet())
        for name, value in segmentor.state_dict().items():
            state[f'{role}_generator.segmentor.{name}'] = value
        state[f'{role}_discriminator.layers.weight'] = torch.full((2, 1), float(seed))
    file = tmp_path / 'epoch_3.pth'
    torch.save(dict(state_dict=state, meta=dict(epoch=3)), file)
    return file


def read_as_published(path):
    """The format by its description, with NumPy: header and arrays of float32."""
    data = path.read_bytes()
    start = 8 + int(np.frombuffer(data[:8], '<u8')[0])
    assert start % 8 == 0
    header = json.loads(data[8:start])
    metadata = header.pop('__metadata__')
    arrays, end = {}, 0
    for name, entry in sorted(
        header.items(), key=lambda item: tuple(item[1]['data_offsets'])
    ):
        begin, finish = entry['data_offsets']
        assert begin == end
        end = finish
        dtype = {'F32': '<f4', 'I64': '<i8'}[entry['dtype']]
        arrays[name] = np.frombuffer(data[start + begin : start + finish], dtype)
        arrays[name] = arrays[name].reshape(entry['shape'])
    assert start + end == len(data)
    return metadata, arrays


@pytest.mark.parametrize('dot', ['', '.'])
def test_one_network_for_us_and_for_others(run, tmp_path, dot):
    out = tmp_path / 'made' / 'teacher.safetensors'
    metadata = export_weights(run, out, f'teacher_generator.segmentor{dot}')
    assert metadata == dict(
        format='pt',
        source='epoch_3.pth',
        source_sha256=hashlib.sha256(run.read_bytes()).hexdigest(),
        prefix='teacher_generator.segmentor.',
        writer=f'segda-mm {__version__}',
    )
    torch.manual_seed(7)
    network = MODELS.build(tiny_bisenet())
    load_network_weights(network, out, '')
    torch.manual_seed(1)
    expected = MODELS.build(tiny_bisenet()).state_dict()
    written, arrays = read_as_published(out)
    assert written == metadata
    assert arrays.keys() == expected.keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name
        np.testing.assert_array_equal(arrays[name], expected[name].numpy())
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_network_must_be_named_where_there_are_several(run, tmp_path):
    out = tmp_path / 'a.safetensors'
    networks = (
        'student_generator.segmentor., student_discriminator., '
        'teacher_generator.segmentor., teacher_discriminator.'
    )
    with pytest.raises(PreflightError, match=f'holds 4 networks.*: {networks}$'):
        export_weights(run, out)
    with pytest.raises(PreflightError, match=f"under 'pupil.'; its.*: {networks}$"):
        export_weights(run, out, 'pupil')
    assert not out.exists()
    assert export_weights(run, out, '')['prefix'] == ''
    whole = torch.load(run, weights_only=True)['state_dict']
    assert read_as_published(out)[1].keys() == whole.keys()


def test_a_plain_segmentor_is_one_network(tmp_path):
    state = {'backbone.w': torch.ones(2), 'decode_head.w': torch.zeros(1, 1)}
    torch.save(state, tmp_path / 'net.pth')
    metadata = export_weights(tmp_path / 'net.pth', tmp_path / 'net.safetensors')
    assert metadata['prefix'] == ''
    # And from one such file to another.
    again = tmp_path / 'again.safetensors'
    export_weights(tmp_path / 'net.safetensors', again, 'backbone')
    assert read_as_published(again)[1]['w'].tolist() == [1, 1]


def test_what_cannot_be_done_is_told(run, tmp_path):
    with pytest.raises(PreflightError, match='must end in .safetensors'):
        export_weights(run, tmp_path / 'a.pth', '')
    with pytest.raises(PreflightError, match='gone.pth does not exist'):
        export_weights(tmp_path / 'gone.pth', tmp_path / 'a.safetensors')
    torch.save({'backbone.w': torch.zeros(2, dtype=torch.cfloat)}, tmp_path / 'c.pth')
    with pytest.raises(PreflightError, match='w is torch.complex64, which has no'):
        export_weights(tmp_path / 'c.pth', tmp_path / 'a.safetensors')
    torch.save({}, tmp_path / 'empty.pth')
    with pytest.raises(PreflightError, match='holds 0 networks'):
        export_weights(tmp_path / 'empty.pth', tmp_path / 'a.safetensors')
    assert not (tmp_path / 'a.safetensors').exists()
