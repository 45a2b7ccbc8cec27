"""Where a checkpoint lies: a local file, or a URL with the hash of its content."""

from __future__ import annotations

import hashlib
import re
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

import torch
from mmengine.logging import print_log
from mmengine.runner import (
    get_external_models,
    get_mmcls_models,
    get_torchvision_models,
)

_HASHED_URL = re.compile(r'(https?://[^#]+)#sha256=([0-9a-fA-F]{64})')

#: Where MMEngine keeps the URLs of its short names.
_SHORT_NAMES = {
    'torchvision': get_torchvision_models,
    'modelzoo': get_torchvision_models,
    'open-mmlab': get_external_models,
    'openmmlab': get_external_models,
    'mmcls': get_mmcls_models,
}


class HashedURL(NamedTuple):
    """A file to fetch, and the sha256 (64 hex digits) that it must have."""

    url: str
    sha256: str


def parse_checkpoint_source(source: str | PathLike) -> Path | HashedURL:
    """Tell a local file from a URL, without a look at either.

    Args:
        source: A path, or ``https://.../file.pth#sha256=<64 hex digits>``.

    Raises:
        ValueError: It is a URL without a sha256, or a short name of MMEngine's
            (``torchvision://``, ``open-mmlab://``, ...), which has none; the
            message says what to write instead.
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

    It is kept in torch's cache (``torch.hub.get_dir()``), under its name there
    only after its hash was found right, and looked at again at each call.

    Args:
        source: See :func:`parse_checkpoint_source`.

    Raises:
        FileNotFoundError: There is no such local file.
        OSError: The URL cannot be fetched.
        ValueError: The URL has no sha256, or the file has another one.
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


def _fetched(place: HashedURL) -> Path:
    name = PurePosixPath(urlsplit(place.url).path).name
    # The end of a long name, where the suffix is.
    file = Path(torch.hub.get_dir(), 'checkpoints', f'{place.sha256[:16]}-{name[-99:]}')
    if file.is_file() and sha256_of_file(file) == place.sha256:
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    print_log(f'Downloading {place.url} to {file}', logger='current')
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
            f'{place.url} cannot be fetched: {error}. Download it where that works, '
            'and name the local file'
        ) from error
    return file
