"""Reading ``.safetensors`` files."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {
    'BF16': torch.bfloat16,
    'F16': torch.float16,
    'F32': torch.float32,
    'F64': torch.float64,
    'I64': torch.int64,
}


def read_safetensors(path: str | PathLike) -> dict[str, Tensor]:
    """Read all tensors of a ``.safetensors`` file.

    The format is eight bytes with the length of a JSON header, the header with
    dtype, shape and byte range of each tensor, and the bytes, all of them
    little-endian.

    Args:
        path: The file.

    Returns:
        The tensors by name, on the CPU.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not in that format, is cut short, or has a dtype that
            weights of networks do not have.
    """
    data = bytearray(Path(path).read_bytes())
    start = 8 + int.from_bytes(data[:8], 'little')
    try:
        header = json.loads(data[8:start])
        header.pop('__metadata__', None)
        return {name: _tensor(data, start, entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f'{path} is no whole .safetensors file: {error!r}') from error


def _tensor(data: bytearray, start: int, entry: dict) -> Tensor:
    begin, end = entry['data_offsets']
    dtype = DTYPES[entry['dtype']]
    if not 0 <= begin <= end <= len(data) - start:
        raise ValueError(f'the bytes {begin} to {end} are not in the file')
    if begin == end:  # frombuffer takes no empty range
        return torch.empty(0, dtype=dtype).reshape(entry['shape'])
    flat = torch.frombuffer(
        data, dtype=dtype, offset=start + begin, count=(end - begin) // dtype.itemsize
    )
    return flat.reshape(entry['shape']).clone()
