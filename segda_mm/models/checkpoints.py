"""The one reader of checkpoints: tensors and plain types, and no code."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import safetensors.torch
import torch
from mmengine.logging import print_log
from mmengine.model import update_init_info
from mmengine.runner import (
    CheckpointLoader,
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)
from torch import Tensor, nn

from segda_mm.files import atomic_file
from segda_mm.registry import WEIGHT_INITIALIZERS

_HASHED_URL = re.compile(r'(https?://[^#]+)#sha256=([0-9a-fA-F]{64})')

#: How long a download waits for the next bytes.
_SECONDS_OF_SILENCE = 20

#: Where MMEngine keeps the URLs of its short names.
_SHORT_NAMES = {
    'torchvision': get_torchvision_models,
    'modelzoo': get_torchvision_models,
    'open-mmlab': get_external_models,
    'openmmlab': get_external_models,
    'mmcls': get_mmcls_models,
}


def read_checkpoint(
    source: str | PathLike, map_location: str | torch.device | Callable = 'cpu'
) -> dict[str, Any]:
    """Read a checkpoint without running code of it, as ``weights_only`` of torch does.

    ``meta['config']``, which MMEngine would run when resuming, is left out; the content
    of a ``.safetensors`` is under ``state_dict``.

    Args:
        source: See :func:`parse_checkpoint_source`; ``.safetensors`` or a file of
            ``torch.save``.
        map_location: See :func:`torch.load`; not for ``.safetensors``.

    Raises:
        FileNotFoundError: There is no such local file.
        ValueError: It holds anything else or is damaged, or the source is refused.
    """
    file = local_checkpoint(source)
    try:
        if file.suffix == '.safetensors':
            # Not mapped into memory: cut short meanwhile, that would be a crash.
            return dict(state_dict=safetensors.torch.load(file.read_bytes()))
        content = torch.load(file, map_location=map_location, weights_only=True)
    except OSError:
        raise
    # Bytes that are no checkpoint make the libraries raise nearly anything.
    except Exception as error:
        raise ValueError(_cannot_be_read(source, error)) from error
    if not isinstance(content, dict):
        raise ValueError(
            f'{source} cannot be read as a checkpoint: it holds a '
            f'{type(content).__name__} and not weights by name'
        )
    if isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)
    return content


def read_state_dict(source: str | PathLike) -> dict[str, Tensor]:
    """Read the weights of a checkpoint, with or without a ``state_dict`` entry.

    ValueError where one is no tensor, and else as :func:`read_checkpoint`.
    """
    content = read_checkpoint(source)
    state = content.get('state_dict', content)
    if not isinstance(state, Mapping):
        raise ValueError(f'`state_dict` of {source} holds no weights by name')
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(
                f'{source} cannot be read as weights: {name!r} is a '
                f'{type(value).__name__} and no tensor'
            )
    return dict(state)


def load_network_weights(
    network: nn.Module, source: str | PathLike, prefix: str
) -> None:
    """Load the part of a checkpoint under ``prefix`` into a network, all of it.

    Raises:
        ValueError: There is none, or it does not fit; see :func:`read_checkpoint` too.
    """
    state = read_state_dict(source)
    part = under_prefix(state, prefix)
    if not part:
        starts = sorted({name.split('.')[0] for name in state})
        raise ValueError(
            f'{source} has no weights under {prefix!r}; its keys begin with '
            f'{", ".join(starts)}. Set `checkpoint_prefix` of the generator, '
            '`discriminator_prefix` beside it, or `prefix` of StrictPretrained, to '
            'the network to start from.'
        )
    try:
        network.load_state_dict(part, strict=True)
    except RuntimeError as error:
        raise ValueError(
            f'the weights under {prefix!r} of {source} do not fit '
            f'{type(network).__name__}: {error}'
        ) from error
    print_log(f'Loaded {prefix or "all weights"} of {source}', logger='current')


def under_prefix(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The weights whose names begin with ``prefix``, by the rest of the name."""
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }


def write_safetensors(
    path: str | PathLike, tensors: Mapping[str, Tensor], metadata: dict[str, str]
) -> None:
    """Write tensors as a ``.safetensors`` file, whole or not at all.

    ValueError where one has no place in that format, as a sparse one.
    """
    layout = torch.contiguous_format
    try:
        apart = {
            name: tensor.detach().cpu().clone(memory_format=layout)
            for name, tensor in tensors.items()
        }
        content = safetensors.torch.save(apart, metadata)
    # Of a tensor that it has no place for, the library raises several kinds.
    except Exception as error:
        raise ValueError(f'no {path} can be made of these tensors: {error}') from error
    with atomic_file(path) as unfinished:
        unfinished.write_bytes(content)


class HashedURL(NamedTuple):
    """A file to fetch, and the sha256 (64 hex digits) that it must have."""

    url: str
    sha256: str


def parse_checkpoint_source(source: str | PathLike) -> Path | HashedURL:
    """Tell a local path from ``https://.../file.pth#sha256=<64 hex digits>``.

    ValueError for a URL without a sha256, and for a short name of MMEngine's.
    """
    scheme, separator, name = str(source).partition('://')
    if not separator:
        return Path(source).expanduser()
    if match := _HASHED_URL.fullmatch(str(source)):
        return HashedURL(match[1], match[2].lower())
    if scheme in ('http', 'https'):
        url = str(source).partition('#')[0]
        kind = 'is a URL without the sha256 of its file'
    else:
        kind = 'stands for a file in the network and not for its sha256'
        url = _SHORT_NAMES.get(scheme, dict)().get(name, 'URL')
    raise ValueError(
        f'{source} {kind}, so that anybody on the way could put another file in its '
        f'place. Download {"it" if url == "URL" else url} and name the local file, or '
        f'write {url}#sha256=HEX with the 64 digits that `sha256sum FILE` shows'
    )


def local_checkpoint(source: str | PathLike) -> Path:
    """The local file of a checkpoint; that of a URL is fetched once.

    It is kept (:func:`cached_file`) only after its hash was found right, and checked
    again at each call. OSError where there is no file or it cannot be fetched.
    """
    place = parse_checkpoint_source(source)
    if isinstance(place, HashedURL):
        return _fetched(place)
    if not place.is_file():
        raise FileNotFoundError(
            f'checkpoint {source} does not exist; name another local file, or train '
            'the run that makes it first'
        )
    return place


def sha256_of_file(file: str | PathLike) -> str:
    """The sha256 of a file's content, 64 hex digits."""
    digest = hashlib.sha256()
    with open(file, 'rb') as stream:
        while block := stream.read(2**20):
            digest.update(block)
    return digest.hexdigest()


@WEIGHT_INITIALIZERS.root.register_module()
class StrictPretrained:
    """Start from a checkpoint, all of it and nothing but tensors.

    ``init_cfg=dict(type='StrictPretrained', checkpoint=FILE, prefix='backbone.')``.

    Args:
        checkpoint: See :func:`parse_checkpoint_source`.
        prefix: What the module's keys begin with in that file.
    """

    def __init__(self, checkpoint: str, prefix: str = '') -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix

    def __call__(self, module: nn.Module) -> None:
        """Fill the module, in place."""
        load_network_weights(module, self.checkpoint, self.prefix)
        for part in module.modules():
            # MMEngine initializes the parts after the whole, but for its own
            # `Pretrained`, and would draw them afresh.
            if part is not module and hasattr(part, 'init_weights'):
                part.is_init = True
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'StrictPretrained: loaded {self.checkpoint}')


_lock = threading.Lock()
_users = 0
_loader_of_mmengine: Any = None


@contextmanager
def only_plain_checkpoints() -> Iterator[None]:
    """Let MMEngine read every checkpoint through :func:`read_checkpoint`.

    Its ``CheckpointLoader`` would run code of files and fetch URLs unchecked. Holds
    for all threads, until the outermost context ends. Also a decorator.
    """
    global _users, _loader_of_mmengine
    with _lock:
        if _users == 0:
            _loader_of_mmengine = vars(CheckpointLoader)['load_checkpoint']
            CheckpointLoader.load_checkpoint = staticmethod(_load_for_mmengine)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                CheckpointLoader.load_checkpoint = _loader_of_mmengine


def _load_for_mmengine(
    filename: str, map_location: Any = None, logger: str = 'current'
) -> dict[str, Any]:
    return read_checkpoint(filename, 'cpu' if map_location is None else map_location)


def _cannot_be_read(source: str | PathLike, error: Exception) -> str:
    message = f'{source} cannot be read as a checkpoint of tensors and plain types'
    # torch explains at length how to read such a file nevertheless.
    forbidden = re.search(r'GLOBAL (\S+)', str(error))
    if forbidden:
        return (
            f'{message}: it asks for {forbidden[1]}, and nothing else is read from a '
            'file because it could run code. Nothing of it was run. '
            '`segda weights --convert FILE OUT.pth` takes the weights alone out of it'
        )
    reason = (str(error).splitlines() or [''])[0]
    return (
        f'{message}: {type(error).__name__}: {reason[:200]}. It is damaged or no '
        'checkpoint; take another one'
    )


def cached_file(place: HashedURL) -> Path:
    """Where the file of a URL is kept, or would be.

    In the folder that ``SEGDA_WEIGHTS`` names, else ``checkpoints`` of torch's cache
    (``TORCH_HOME``), under its own name; under its hash as well, where another file has
    that name.
    """
    name = PurePosixPath(urlsplit(place.url).path).name
    folder = os.environ.get('SEGDA_WEIGHTS')
    cache = Path(folder) if folder else Path(torch.hub.get_dir(), 'checkpoints')
    # The end of a long name, where the suffix is.
    file = cache / name[-99:]
    apart = file.with_name(f'{place.sha256[:16]}-{file.name}')
    if apart.is_file() or (file.is_file() and sha256_of_file(file) != place.sha256):
        return apart
    return file


def _fetched(place: HashedURL) -> Path:
    file = cached_file(place)
    if file.is_file() and sha256_of_file(file) == place.sha256:
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    print_log(f'Downloading {place.url} to {file}', logger='current')
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_OF_SILENCE)
    try:
        # It hashes what it writes to a file of another name, and renames at the
        # end. Processes that want one file at once each fetch it; any may win.
        torch.hub.download_url_to_file(place.url, str(file), place.sha256, False)
    except RuntimeError as error:
        raise ValueError(
            f'{place.url} is not the file that its sha256 is of: {error}. Nothing of '
            'it was kept. Compare with the hash that its publisher gives'
        ) from error
    except OSError as error:
        raise OSError(
            f'{place.url} cannot be fetched ({error}). Where there is a network, '
            f'download it and see that `sha256sum {file.name}` shows {place.sha256}; '
            f'then put it here as {file}'
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
    return file
