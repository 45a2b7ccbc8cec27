"""The rows of paper B's Table 8 in a size that two processor cores train."""

from __future__ import annotations

from typing import Any

#: Of all channels.
_WIDTH = 1 / 8


def slim_backbones() -> dict[str, tuple[dict[str, Any], int]]:
    """WR-38 and WR-41 with an eighth of their channels.

    Chen et al., "Naive-Student", ECCV 2020, Table 8: each plain, with drop path,
    and with drop path and multi-grid.

    Returns:
        Row of the table -> options for ``model.backbone``, which replace it, and
        the channels of its last map.
    """
    backbones = {}
    for name, multi_grid, channels in (
        ('WR-38', (1, 2), 512),
        ('WR-41', (1, 2, 4), 256),
    ):
        for parts, survival, rates in (
            ('', 1.0, None),
            (', drop path', 0.8, None),
            (', drop path, multi-grid', 0.8, multi_grid),
        ):
            options = dict(
                _delete_=True,
                type=name.replace('WR-', 'WideResNet'),
                width_multiplier=_WIDTH,
                output_stride=16,
                drop_path_survival=survival,
                multi_grid=rates,
            )
            backbones[name + parts] = options, channels
    return backbones
