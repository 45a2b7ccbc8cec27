import json

import pytest
import torch

from segda_mm.models.safetensors_file import (
    DTYPES,
    read_safetensors,
    write_safetensors,
)


def write(path, header, data, length=None):
    text = json.dumps(header).encode()
    path.write_bytes((length or len(text)).to_bytes(8, 'little') + text + data)
    return path


def entry(dtype, shape, begin, end):
    return dict(dtype=dtype, shape=shape, data_offsets=[begin, end])


def test_tensors_of_all_dtypes(tmp_path):
    tensors = dict(
        weight=torch.randn(2, 3, 1, 1),
        count=torch.tensor(2**40 + 1),
        half=torch.tensor([1.5, -2.0], dtype=torch.float16),
        double=torch.tensor([[0.1]], dtype=torch.float64),
        empty=torch.zeros(0, 4),
    )
    kinds = dict(weight='F32', count='I64', half='F16', double='F64', empty='F32')
    header, data = {'__metadata__': {'format': 'pt'}}, b''
    for name, tensor in tensors.items():
        raw = tensor.numpy().tobytes()
        header[name] = entry(
            kinds[name], list(tensor.shape), len(data), len(data) + len(raw)
        )
        data += raw
    # 1.0 and -2.0: the upper halves of their float32.
    header['brain'] = entry('BF16', [2], len(data), len(data) + 4)
    data += b'\x80\x3f\x00\xc0'
    loaded = read_safetensors(write(tmp_path / 'a.safetensors', header, data))
    assert loaded.keys() == {*tensors, 'brain'}
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor), name
    assert loaded['brain'].tolist() == [1.0, -2.0]
    assert loaded['brain'].dtype == torch.bfloat16


@pytest.mark.parametrize(
    ('header', 'data', 'length'),
    [
        ({'w': entry('F32', [2], 0, 8)}, bytes(4), None),
        ({'w': entry('F32', [3], 0, 8)}, bytes(8), None),
        ({'w': entry('F32', [1], 8, 4)}, bytes(8), None),
        ({'w': entry('F32', [1], -4, 0)}, bytes(8), None),
        ({'w': entry('F8_E5M2', [4], 0, 4)}, bytes(4), None),
        ({'w': entry('F32', [2], 0, 9)}, bytes(9), None),
        ({'w': entry('F32', [-1, -1], 0, 4)}, bytes(4), None),
        ({'w': entry('F32', [1], 0, 4)}, bytes(8), None),
        ({'w': entry('F32', [1], 4, 8)}, bytes(8), None),
        ({'v': entry('F32', [1], 0, 4), 'w': entry('F32', [1], 0, 4)}, bytes(4), None),
        ({'w': entry('U8', [10**15], 0, 10**15)}, bytes(4), None),
        ({'w': {'dtype': 'F32'}}, bytes(4), None),
        ({'w': 3}, bytes(4), None),
        ([], bytes(4), None),
        ({}, bytes(4), 10**12),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, header, data, length):
    path = write(tmp_path / 'a.safetensors', header, data, length)
    with pytest.raises(ValueError, match='a.safetensors is no whole'):
        read_safetensors(path)


def test_a_pickle_is_refused(tmp_path):
    torch.save(dict(w=torch.zeros(1)), tmp_path / 'a.safetensors')
    with pytest.raises(ValueError, match='is no whole .safetensors file'):
        read_safetensors(tmp_path / 'a.safetensors')


def test_a_name_may_stand_once_only(tmp_path):
    once = '"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}'
    text = f'{{{once}, {once}}}'.encode()
    path = tmp_path / 'a.safetensors'
    path.write_bytes(len(text).to_bytes(8, 'little') + text + bytes(1))
    with pytest.raises(ValueError, match='a name stands twice'):
        read_safetensors(path)


def test_what_is_written_is_read_back(tmp_path):
    shared = torch.randn(3, 4)
    tensors = {
        **{name: torch.tensor([[1], [0]]).to(dtype) for name, dtype in DTYPES.items()},
        'turned': shared.t(),
        'part': shared[1:, ::2],
        'scalar': torch.tensor(7),
        'empty': torch.zeros(0, 3),
        'parameter': torch.nn.Parameter(torch.randn(2)),
        'ünïcode': torch.zeros(1),
    }
    path = tmp_path / 'a.safetensors'
    write_safetensors(path, tensors, dict(prefix='net.'))
    loaded = read_safetensors(path)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype, name
        assert loaded[name].shape == tensor.shape, name
        assert torch.equal(loaded[name], tensor), name


def test_a_dtype_without_a_name_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / 'a.safetensors'
    write_safetensors(path, dict(w=torch.ones(1)), {})
    with pytest.raises(ValueError, match='w is torch.complex64, which has no place'):
        write_safetensors(path, dict(w=torch.ones(1, dtype=torch.cfloat)), {})
    assert read_safetensors(path)['w'].tolist() == [1]
