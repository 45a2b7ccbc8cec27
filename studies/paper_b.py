"""What the studies of paper B share: its published figures and small backbones.

Source: Chen et al., "Naive-Student: Leveraging Semi-Supervised Learning in Video
Sequences for Urban Scene Segmentation", ECCV 2020, Tables 1, 3, 4, 5, 8 and 9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studies.study import Plot, Row, Table

PANOPTIC = {'PQ': 'PQ', 'AP': 'AP', 'mIoU': 'mIoU'}

NOTE = 'The paper: Cityscapes at 2049x1025, larger networks and longer trainings.'

#: PQ, AP and mIoU of Table 8.
TABLE_8 = {
    'WR-38': (62.4, 35.3, 79.1),
    'WR-38, drop path': (62.6, 36.7, 79.5),
    'WR-38, drop path, multi-grid': (63.1, 37.4, 80.1),
    'WR-41': (63.0, 35.5, 80.0),
    'WR-41, drop path': (63.6, 36.8, 80.4),
    'WR-41, drop path, multi-grid': (64.0, 38.0, 80.7),
}

LABEL_SHARES = (20, 40, 60, 80)
FRAME_SHARES = (25, 50, 75)


def published_table(
    title: str,
    rows: Mapping[str, Sequence[float] | None],
    figures: Mapping[str, str] = PANOPTIC,
    note: str = '',
    by_class: str = '',
) -> Table:
    """A table of the paper.

    ``rows``: result -> PQ, AP and mIoU of the paper, or None; of these, tables whose
    ``figures`` lack PQ show mIoU alone.
    """
    published = {name: values for name, values in rows.items() if values}
    if 'PQ' not in figures:
        published = {name: values[2:] for name, values in published.items()}
    note = f'{NOTE} {note}'.strip()
    return Table(title, list(rows), figures, by_class, published, note)


def share_plots(
    figures: Sequence[str],
    supervised: str,
    semi_supervised: str,
    all_frames: str = '',
    no_frames: str = '',
) -> list[Plot]:
    """Figures 5 and 6: parts of the labels and of the unlabelled frames.

    Args:
        figures: One plot of each.
        supervised: Result with all labels.
        semi_supervised: Result with all labels and all frames.
        all_frames: Result with all frames, where it is another one.
        no_frames: Result without frames, where it is not ``supervised``.
    """
    labels = {
        'supervised': {
            **{f'{share} % of the labels, supervised': share for share in LABEL_SHARES},
            supervised: 100,
        },
        'semi-supervised': {
            **{f'{share} % of the labels, round 1': share for share in LABEL_SHARES},
            semi_supervised: 100,
        },
    }
    frames = {
        'semi-supervised': {
            no_frames or supervised: 0,
            **{f'{share} % of the frames, round 1': share for share in FRAME_SHARES},
            all_frames or semi_supervised: 100,
        }
    }
    return [
        Plot(f'Figure {number}, {figure}', 'lines', lines, figure, f'{of}, %')
        for number, lines, of in (
            (5, labels, 'share of the labels'),
            (6, frames, 'share of the unlabelled images'),
        )
        for figure in figures
    ]


def students_start(rounds: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of a plan that say what its students start from."""
    return [
        f'rounds.{index}.student.init'
        for index, entry in enumerate(rounds)
        if entry['student'].get('init') != 'previous student'
    ]


def share(percent: float) -> dict[str, Any]:
    """A part of a data set; smaller ones are contained in larger ones."""
    return dict(fraction=percent / 100, seed=0)


def plan_options(**options: Any) -> dict[str, Any]:
    """Dotted keys of a plan, written with ``__`` for each point."""
    return {key.replace('__', '.'): value for key, value in options.items()}


def slim_backbones() -> dict[str, tuple[dict[str, Any], int]]:
    """The backbones of Table 8 with an eighth of their channels.

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
                width_multiplier=1 / 8,
                output_stride=16,
                drop_path_survival=survival,
                multi_grid=rates,
            )
            backbones[name + parts] = options, channels
    return backbones


def evaluated_again(of: str, views: Mapping[str, Any]) -> list[Row]:
    """Rows that evaluate a training over other views (Table 9)."""
    return [
        Row(f'{of}, {name}', changes=[options], of=of, tta=True)
        for name, options in views.items()
    ]
