"""From the rows of the performance benchmarks to lines of one table.

Every benchmark has its own kind of row, named by ``benchmark``, and one function
here that reads it. A target stands beside the function that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

Row = Mapping
#: Of a training step's time to that of its necessary passes.
STEP_TARGET = 1.05
#: Of labelling's time to that of the network on the same views: 85 % of its throughput.
LABELING_TARGET = 1.18
#: Milliseconds of an image of 1024x512: its label, and what it adds to a data set.
LABEL_TARGET, DATA_SET_TARGET = 22.0, 20.0
#: Milliseconds by (width x height) of a map with 40 centers.
POST_PROCESSING_TARGETS = {'1024x512': 15.0, '2048x1024': 60.0}
#: Milliseconds for a picture of 2048x1024 with 40 segments.
EVALUATION_TARGETS = {'PQ': 4.0, 'AP matching': 5.0}
#: The way of inference that the others are divided by.
INFERENCE_BOUND = 'bare network, fp32'


@dataclass(frozen=True)
class PerformanceLine:
    """One measured way of one path.

    Attributes:
        path: What was measured, as ``'training step, mpl'``.
        size: Of its input, as ``'128x256, batch 4'``.
        milliseconds: Median.
        quartiles: The lower and the upper one; None where not measured.
        bound: Milliseconds of the lower bound measured beside it; None: there is
            none.
        target_ratio: What the time over the bound should not exceed; None: none
            was set.
        target_milliseconds: What the time itself should not exceed; None: none
            was set.
        peak_mib: Of memory; None where not measured.
    """

    path: str
    size: str
    milliseconds: float
    quartiles: tuple[float, float] | None = None
    bound: float | None = None
    target_ratio: float | None = None
    target_milliseconds: float | None = None
    peak_mib: float | None = None

    @property
    def ratio(self) -> float | None:
        """Time over lower bound, to the two decimals that are shown and judged."""
        return round(self.milliseconds / self.bound, 2) if self.bound else None

    @property
    def met(self) -> bool | None:
        """Whether every target is met; None where none can be judged."""
        verdicts = []
        if self.target_ratio is not None and self.ratio is not None:
            verdicts.append(self.ratio <= self.target_ratio)
        if self.target_milliseconds is not None:
            verdicts.append(self.milliseconds <= self.target_milliseconds)
        return all(verdicts) if verdicts else None


def performance_lines(row: Row) -> list[PerformanceLine]:
    """The lines of one row.

    Args:
        row: A result as a benchmark of ``tools/benchmark`` wrote it.

    Returns:
        Its lines; none for the row of a benchmark that has no place in the table.

    Raises:
        ValueError: The row lacks what its benchmark writes, or holds something
            else in its place.
    """
    reader = _READERS.get(row.get('benchmark'))
    if reader is None:
        return []
    try:
        return list(reader(row))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'a row of {row["benchmark"]} cannot be read ({type(error).__name__}: '
            f'{error}); run tools/benchmark/{row["benchmark"]}.py again'
        ) from error


def _timed(timing: Mapping, **figures: object) -> dict:
    """The fields of a line that stand in a timing of tools/benchmark/timing.py."""
    quartiles = timing.get('quartiles')
    peak = timing.get('gpu_peak_mib')
    found = dict(
        milliseconds=timing['median'],
        quartiles=tuple(quartiles) if quartiles else None,
    )
    if peak is not None:
        found['peak_mib'] = peak
    return found | figures


def _training_step(row: Row) -> Iterator[PerformanceLine]:
    bound = row['ways'][row['bound']]['median']
    size = f'{row["size"]}, batch {row["batch_size"]}'
    if row.get('amp'):
        size += ', mixed precision'
    if not row.get('channels_last', True):
        size += ', contiguous'
    for name, timing in row['ways'].items():
        if name == row['bound']:
            continue
        figures = _timed(timing, bound=bound)
        # The bound is of our own step: another way has another aim.
        if name in row.get('ratios', {}):
            figures['target_ratio'] = STEP_TARGET
        figures.setdefault('peak_mib', row.get('peak_mib'))
        path = f'training step, {row["method"]}'
        if name != 'training step':
            path += f', {name}'
        yield PerformanceLine(path, size, **figures)


def _labeling(row: Row) -> Iterator[PerformanceLine]:
    for case, figures in row['results'].items():
        size = f'{row["size"]}, {len(row["scales"])} scales'
        bare = figures.get('bare_network_seconds')
        yield PerformanceLine(
            f'labelling, {case}',
            size,
            1000 * figures['seconds_an_image'],
            bound=None if bare is None else 1000 * bare,
            target_ratio=None if bare is None else LABELING_TARGET,
            peak_mib=figures.get('gpu_peak_mib', figures.get('peak_mib')),
        )


def _inference(row: Row) -> Iterator[PerformanceLine]:
    for result in row['results']:
        # As supervised_bisenetv1-r18_cityscapes-512x1024.py.
        parts = PurePath(result['config']).stem.split('_')
        network = parts[1] if len(parts) > 1 else parts[0]
        bound = result['ways'].get(INFERENCE_BOUND, {}).get('median')
        for name, timing in result['ways'].items():
            if name != INFERENCE_BOUND:
                yield PerformanceLine(
                    f'inference, {network}, {name}',
                    result['size'],
                    **_timed(timing, bound=bound),
                )


def _data_loading(row: Row) -> Iterator[PerformanceLine]:
    for place, timings in row['transforms'].items():
        bound = timings.get('bound: decoding the image', {}).get('median')
        yield PerformanceLine(
            f'data loading, {place}',
            'one sample',
            **_timed(timings['whole sample'], bound=bound),
        )
    verdict = row['verdict']
    yield PerformanceLine(
        f'data loading, {verdict["workers"]} workers with a core each',
        f'batch {row["batch_size"]}',
        verdict['batch_ms'],
        target_milliseconds=verdict['step_ms'],
    )


def _class_thresholds(row: Row) -> Iterator[PerformanceLine]:
    size = row['size']
    targets = dict.fromkeys(('label', 'data set'))
    if size == '1024x512':
        targets = {'label': LABEL_TARGET, 'data set': DATA_SET_TARGET}
    of_image, of_data_set = row['of_image'], row['of_data_set']
    bound = of_image.get(row.get('bound'), {}).get('median')
    yield PerformanceLine(
        'class thresholds, label of an image',
        size,
        **_timed(of_image['ours'], bound=bound, target_milliseconds=targets['label']),
    )
    yield PerformanceLine(
        'class thresholds, label of an image, straightforward',
        size,
        **_timed(of_image['straightforward'], bound=bound),
    )
    figures = _timed(of_data_set['ours'], target_milliseconds=targets['data set'])
    if row.get('growth_mib'):
        figures.setdefault('peak_mib', max(row['growth_mib'].values()))
    yield PerformanceLine('class thresholds, image of a data set', size, **figures)
    if 'straightforward_ms_an_image' in row:
        yield PerformanceLine(
            'class thresholds, image of a data set, straightforward',
            size,
            row['straightforward_ms_an_image'],
        )


def _panoptic_post_processing(row: Row) -> Iterator[PerformanceLine]:
    for entry in row['sizes']:
        times = entry['milliseconds']
        bound = times.get(row.get('bound'), {}).get('median')
        for name in ('ours', 'straightforward'):
            target = POST_PROCESSING_TARGETS.get(entry['size'])
            figures = _timed(
                times[name],
                bound=bound,
                target_milliseconds=target if name == 'ours' else None,
            )
            figures.setdefault('peak_mib', entry.get('mib', {}).get(name))
            path = 'panoptic post-processing'
            if name != 'ours':
                path += f', {name}'
            yield PerformanceLine(path, entry['size'], **figures)


def _panoptic_evaluation(row: Row) -> Iterator[PerformanceLine]:
    times = row['milliseconds']
    bound_of = {'PQ, AP and IoU in one pass': times.get(row.get('bound'), {})}
    for name in (
        *EVALUATION_TARGETS,
        *bound_of,
        'PQ, cityscapesscripts',
        'AP matching, cityscapesscripts',
    ):
        target = EVALUATION_TARGETS.get(name) if row['size'] == '2048x1024' else None
        figures = _timed(
            times[name],
            bound=bound_of.get(name, {}).get('median'),
            target_milliseconds=target,
        )
        yield PerformanceLine(f'panoptic evaluation, {name}', row['size'], **figures)


def _minicity_speed(row: Row) -> Iterator[PerformanceLine]:
    frames = row['frames']
    for look, timing in row['milliseconds'].items():
        low, high = timing['quartiles']
        yield PerformanceLine(
            f'miniature world, {look}, frame rendered and written',
            row['size'],
            timing['median'] / frames,
            (low / frames, high / frames),
        )


_READERS: dict[str, Callable[[Row], Iterable[PerformanceLine]]] = {
    'training_step': _training_step,
    'labeling': _labeling,
    'data_loading': _data_loading,
    'inference': _inference,
    'class_thresholds': _class_thresholds,
    'panoptic_post_processing': _panoptic_post_processing,
    'panoptic_evaluation': _panoptic_evaluation,
    'minicity_speed': _minicity_speed,
}
