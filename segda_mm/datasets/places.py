"""Where a data set reads, so that nothing is written there."""

from __future__ import annotations

import os
from glob import has_magic
from typing import Any

from .counter_seeded import CounterSeededDataset
from .unlabeled import UnlabeledImageDataset


def parts_of(dataset: Any) -> list[tuple[str, Any]]:
    """The data sets inside a wrapper, each with what follows the wrapper's key."""
    # The training loop puts that one around what the config says.
    if isinstance(dataset, CounterSeededDataset):
        return [('', dataset.dataset)]
    names = ('dataset', 'source', 'target')
    inner = [(f'.{name}', getattr(dataset, name, None)) for name in names]
    several = enumerate(getattr(dataset, 'datasets', ()))
    inner += [(f'.datasets[{index}]', part) for index, part in several]
    return [(name, part) for name, part in inner if part is not None]


def plain_sets(dataset: Any, key: str = '') -> list[tuple[str, Any]]:
    """The data sets without wrappers that samples come from, with their config keys."""
    parts = parts_of(dataset)
    if not parts:
        return [(key, dataset)]
    return [found for name, part in parts for found in plain_sets(part, key + name)]


def places_read(dataset: Any) -> tuple[list[str], list[str]]:
    """Folders that a data set reads with all below them, and its files."""
    folders: set[str] = set()
    files = []
    for _, part in plain_sets(dataset):
        infos = [part.get_data_info(index) for index in range(len(part))]
        keys = ('img_path', 'seg_map_path')
        files += [info[key] for info in infos for key in keys if info.get(key)]
        if isinstance(part, UnlabeledImageDataset):
            alone = isinstance(part.images, str | os.PathLike)
            for path in [part.images] if alone else part.images:
                path = os.path.join(part.data_root or '', path)
                if has_magic(os.path.dirname(path)) and not os.path.exists(path):
                    while has_magic(path):
                        path = os.path.dirname(path)
                    folders.add(path or '.')
                elif os.path.isdir(path):
                    folders.add(path)
        else:
            folders.update(filter(None, (part.data_prefix or {}).values()))
    return sorted(folders), files
