import json

import pytest
import torch

from segda_mm.models.safetensors_file import read_safetensors


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
        ({'w': entry('U8', [4], 0, 4)}, bytes(4), None),
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
