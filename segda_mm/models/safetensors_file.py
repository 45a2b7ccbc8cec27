"""Reading and writing ``.safetensors`` files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from os import PathLike
from typing import BinaryIO

import torch
from torch import Tensor

from segda_mm.files import atomic_file

DTYPES = {
    'BOOL': torch.bool,
    'U8': torch.uint8,
    'I8': torch.int8,
    'I16': torch.int16,
    'I32': torch.int32,
    'I64': torch.int64,
    'F16': torch.float16,
    'BF16': torch.bfloat16,
    'F32': torch.float32,
    'F64': torch.float64,
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}

#: What the format allows the header to have, in bytes.
_LONGEST_HEADER = 100_000_000


def read_safetensors(path: str | PathLike) -> dict[str, Tensor]:
    """Read all tensors of a ``.safetensors`` file.

    The format is eight bytes with the length of a JSON header, the header with
    dtype, shape and byte range of each tensor, and the bytes, all of them
    little-endian and without a gap.

    Args:
        path: The file.

    Returns:
        The tensors by name, on the CPU.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not in that format, is cut short, or has a dtype that
            weights of networks do not have.
    """
    with open(path, 'rb') as stream:
        try:
            header, start = _read_header(stream)
            _check_ranges(header, os.fstat(stream.fileno()).st_size - start)
            return {
                name: _read_tensor(stream, start, entry)
                for name, entry in header.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise ValueError(
                f'{path} is no whole .safetensors file: {error!r}'
            ) from error


def write_safetensors(
    path: str | PathLike, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write tensors as a ``.safetensors`` file, whole or not at all.

    Args:
        path: The file to be made or replaced.
        tensors: By name. Those that share memory are written twice.
        metadata: What the file says of itself.

    Raises:
        ValueError: A tensor has a dtype that the format has no name for here.
    """
    # As the format's own library does: wide numbers first, so that all are
    # aligned, and then by name.
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header, end = {'__metadata__': dict(metadata)}, 0
    for name in names:
        tensor = tensors[name]
        if tensor.dtype not in _NAMES:
            raise ValueError(
                f'{name} is {tensor.dtype}, which has no place in {path}; '
                f'convert it to one of {", ".join(map(str, _NAMES))}'
            )
        begin, end = end, end + tensor.numel() * tensor.dtype.itemsize
        header[name] = dict(
            dtype=_NAMES[tensor.dtype],
            shape=list(tensor.shape),
            data_offsets=[begin, end],
        )
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with atomic_file(path) as unfinished, open(unfinished, 'wb') as stream:
        stream.write(len(text).to_bytes(8, 'little') + text)
        for name in names:
            flat = tensors[name].detach().cpu().contiguous().reshape(-1)
            stream.write(flat.view(torch.uint8).numpy())


def _read_header(stream: BinaryIO) -> tuple[dict, int]:
    """The entries of the tensors, and the position of the first byte behind."""
    length = int.from_bytes(stream.read(8), 'little')
    if length > _LONGEST_HEADER:
        raise ValueError(f'its header cannot be {length} bytes long')
    header = json.loads(stream.read(length), object_pairs_hook=_without_repetition)
    if not isinstance(header, dict):
        raise ValueError('its header is no JSON object')
    header.pop('__metadata__', None)
    return header, 8 + length


def _without_repetition(pairs: list[tuple[str, object]]) -> dict:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError('a name stands twice in its header')
    return entries


def _check_ranges(header: dict, num_bytes: int) -> None:
    """Each tensor has as many bytes as its shape needs, and no byte is left."""
    position = 0
    for name, entry in sorted(
        header.items(), key=lambda item: tuple(item[1]['data_offsets'])
    ):
        begin, end = entry['data_offsets']
        if begin != position:
            raise ValueError(f'{name} begins at byte {begin} and not at {position}')
        if any(type(size) is not int or size < 0 for size in entry['shape']):
            raise ValueError(f'{name} has the shape {entry["shape"]}')
        needed = math.prod(entry['shape']) * DTYPES[entry['dtype']].itemsize
        if end - begin != needed:
            raise ValueError(f'{name} has {end - begin} bytes and needs {needed}')
        position = end
    if position != num_bytes:
        raise ValueError(f'{num_bytes} bytes follow its header and not {position}')


def _read_tensor(stream: BinaryIO, start: int, entry: dict) -> Tensor:
    begin, end = entry['data_offsets']
    dtype = DTYPES[entry['dtype']]
    if begin == end:  # frombuffer takes no empty range
        return torch.empty(entry['shape'], dtype=dtype)
    stream.seek(start + begin)
    data = bytearray(stream.read(end - begin))
    return torch.frombuffer(data, dtype=dtype).reshape(entry['shape'])
