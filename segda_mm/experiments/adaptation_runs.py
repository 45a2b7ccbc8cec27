"""The runs that compare the methods of adaptation on one pair of domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ADVERSARIAL = ('generator', 'discriminator')
_FOUR = (
    'student_generator',
    'student_discriminator',
    'teacher_generator',
    'teacher_discriminator',
)
_BOTH_ROLES = (
    'model.teacher_checkpoint.checkpoint',
    'model.student_checkpoint.checkpoint',
)

#: What the names of runs with photometric distortion of the source end with.
AUGMENTED = ' + aug'


@dataclass(frozen=True)
class Method:
    """A method of adaptation.

    Attributes:
        config: Beginning of the name of its configs, below ``configs``.
        networks: That it trains.
        after: The method that it goes on from, if it does.
        keys: Of its config, which take the checkpoint of that one.
    """

    config: str
    networks: tuple[str, ...]
    after: str | None = None
    keys: tuple[str, ...] = ()


METHODS = {
    'FCD': Method('adversarial/adversarial-fcd', _ADVERSARIAL),
    'DSC': Method('adversarial/adversarial-dsc', _ADVERSARIAL),
    'DSC + PL': Method(
        'pseudo_label/pseudo-label-dsc',
        _ADVERSARIAL,
        'DSC',
        ('model.generator.checkpoint',),
    ),
    'DSC + MPL': Method('mpl/mpl-product-dsc', _FOUR, 'DSC', _BOTH_ROLES),
    'DSC + MPL (loss change)': Method('mpl/mpl-change-dsc', _FOUR, 'DSC', _BOTH_ROLES),
    'mean teacher': Method(
        'mean_teacher/mean-teacher-class-mix', ('student_generator',)
    ),
}


@dataclass(frozen=True)
class World:
    """A pair of domains, and how long is trained on them.

    Attributes:
        source: What the names of its configs end with, of the labelled source.
        pair: The same, of source and target together.
        target: The same, of the labelled target, for the oracle.
        segmentor: Config of the network of every method, without preprocessor.
        pipeline: Of the source images in training, ending with their packing.
        photometric: The transform that ``+ aug`` inserts before the packing.
        epochs: Of a training from scratch.
        epochs_after: Of a method that goes on from another one.
        feedback: Arguments of ``LossProductFeedback``, to suit ``epochs_after``.
        teacher_options: Further options of methods with a teacher.
    """

    source: str
    pair: str
    target: str
    segmentor: Mapping[str, Any]
    pipeline: Sequence[Mapping[str, Any]]
    photometric: Mapping[str, Any]
    epochs: int
    epochs_after: int
    feedback: Mapping[str, Any]
    teacher_options: Mapping[str, Any]


def adaptation_runs(world: World) -> dict[str, dict]:
    """The entries ``runs`` of an experiment.

    Every method twice, with and without photometric distortion of the source images,
    source-only in both ways, and the oracle.

    Args:
        world: The pair of domains.

    Returns:
        Name -> entry.
    """
    distorted = [*world.pipeline[:-1], world.photometric, world.pipeline[-1]]
    runs: dict[str, dict] = {}
    for suffix, pipeline in (('', list(world.pipeline)), (AUGMENTED, distorted)):
        runs['source-only' + suffix] = _supervised(
            world,
            world.source,
            **{'train_dataloader.dataset.pipeline': pipeline},
        )
        for name, method in METHODS.items():
            entry = _adapted(world, name, method, pipeline)
            if method.after is not None:
                entry['start_from'] = dict(
                    run=method.after + suffix, keys=list(method.keys)
                )
            runs[name + suffix] = entry
    runs['oracle'] = _supervised(world, world.target)
    return runs


def schedule(networks: Sequence[str], epochs: int) -> dict[str, Any]:
    """Options for the poly decay of the papers over a number of epochs.

    Args:
        networks: Names of those with an optimizer of their own; none: the model has
            one.
        epochs: Of the training.
    """
    # One more than there are: the last epoch still learns.
    poly = dict(
        type='PolyLR', power=0.9, eta_min=0, begin=0, end=epochs + 1, by_epoch=True
    )
    return {
        'param_scheduler': {name: [poly] for name in networks} if networks else [poly],
        'train_cfg.max_epochs': epochs,
    }


def _supervised(world: World, data: str, **options: Any) -> dict:
    return dict(
        config=f'configs/supervised/supervised_bisenetv1-r18_1xb4_{data}.py',
        options={**schedule((), world.epochs), 'model': world.segmentor, **options},
    )


def _adapted(
    world: World, name: str, method: Method, pipeline: Sequence[Mapping[str, Any]]
) -> dict:
    epochs = world.epochs if method.after is None else world.epochs_after
    options = {
        **schedule(method.networks, epochs),
        'model.generator.segmentor': world.segmentor,
        'train_dataloader.dataset.source.pipeline': pipeline,
    }
    if name == 'DSC + MPL':
        for key, value in world.feedback.items():
            options[f'model.feedback_rule.{key}'] = value
    if any(network.startswith('student') for network in method.networks):
        options.update(world.teacher_options)
    return dict(
        config=f'configs/{method.config}_bisenetv1-r18_1xb4_{world.pair}.py',
        options=options,
    )
