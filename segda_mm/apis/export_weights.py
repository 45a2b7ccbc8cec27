"""From a checkpoint to the plain weights of one of its networks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from segda_mm import __version__
from segda_mm.errors import PreflightError
from segda_mm.models.checkpoints import (
    read_state_dict,
    sha256_of_file,
    write_safetensors,
)


def export_weights(
    checkpoint: str | Path, out: str | Path, network: str | None = None
) -> dict[str, str]:
    """Write the weights of one network as ``.safetensors``, which cannot hold code.

    The keys are those of the network itself, without the prefix that they have in
    the checkpoint. The file starts a network wherever a checkpoint does, with an
    empty prefix (``StrictPretrained``, ``checkpoint`` of a ``SegmentorGenerator``),
    and is read by every program that knows the format.

    Args:
        checkpoint: a local checkpoint of any method, ``.pth`` or ``.safetensors``.
        out: the ``.safetensors`` to write.
        network: what the keys of the network begin with, as
            ``'teacher_generator.segmentor.'``; the last dot may be left out, and
            ``''`` takes all weights. None: the only one there is.

    Returns:
        What the file says of itself: ``source``, ``source_sha256``, ``prefix``
        and ``writer``.

    Raises:
        PreflightError: ``out`` has another suffix, the checkpoint is missing or
            no plain one, or has several networks or none of that name.
    """
    if Path(out).suffix != '.safetensors':
        raise PreflightError(f'{out}: the name of the file must end in .safetensors')
    try:
        state = read_state_dict(checkpoint)
    except (FileNotFoundError, ValueError) as error:
        raise PreflightError(str(error)) from error
    prefix = _prefix(state, network, checkpoint)
    metadata = dict(
        format='pt',
        source=Path(checkpoint).name,
        source_sha256=sha256_of_file(checkpoint),
        prefix=prefix,
        writer=f'segda-mm {__version__}',
    )
    weights = {
        name[len(prefix) :]: value
        for name, value in state.items()
        if name.startswith(prefix)
    }
    try:
        write_safetensors(out, weights, metadata)
    except ValueError as error:
        raise PreflightError(f'{checkpoint}: {error}') from error
    return metadata


def _prefix(state: Iterable[str], network: str | None, checkpoint: str | Path) -> str:
    known = _networks(state)
    if network is None:
        if len(known) == 1:
            return known[0]
        raise PreflightError(
            f'{checkpoint} holds {len(known)} networks; choose one with --network: '
            + ', '.join(known)
        )
    prefix = f'{network}.' if network and not network.endswith('.') else network
    if not any(name.startswith(prefix) for name in state):
        raise PreflightError(
            f'{checkpoint} has no weights under {prefix!r}; its networks: '
            + ', '.join(known or ('none',))
        )
    return prefix


def _networks(state: Iterable[str]) -> list[str]:
    """Prefixes of the networks; of a plain segmentor or classifier, the empty one."""
    if any(name.startswith('backbone.') for name in state):
        return ['']
    # A segmentor stands in what its method makes a generator of it.
    inner = 'segmentor.'
    prefixes = []
    for child in dict.fromkeys(name.partition('.')[0] for name in state):
        prefix = f'{child}.'
        if any(name.startswith(prefix + inner) for name in state):
            prefix += inner
        prefixes.append(prefix)
    return prefixes
