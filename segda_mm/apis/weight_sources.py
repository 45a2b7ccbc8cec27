"""Where a training takes its first weights from."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config

from segda_mm.errors import PreflightError
from segda_mm.models.checkpoints import parse_checkpoint_source

#: Entries of mmseg's and our models that name a checkpoint.
WEIGHT_KEYS = ('checkpoint', 'pretrained')


def require_trusted_sources(cfg: Config) -> None:
    """See that no weights would come from a URL whose content nobody vouches for.

    Args:
        cfg: a whole config.

    Raises:
        PreflightError: naming the config key and what to write instead.
    """
    named = list(_named_weights(cfg.model, 'model'))
    if cfg.get('load_from'):
        named.append(('load_from', cfg.load_from))
    for key, source in named:
        try:
            parse_checkpoint_source(source)
        except ValueError as error:
            raise PreflightError(f'{key}: {error}') from error


def _named_weights(node: object, key: str) -> Iterator[tuple[str, str]]:
    children = node.items() if isinstance(node, dict) else ()
    if isinstance(node, list | tuple):
        children = enumerate(node)
    for name, child in children:
        if name in WEIGHT_KEYS and isinstance(child, str):
            yield f'{key}.{name}', child
        else:
            yield from _named_weights(child, f'{key}.{name}')
