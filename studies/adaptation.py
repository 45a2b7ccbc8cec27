"""Studies that compare the methods of adaptation on one pair of domains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from studies.study import Change, Choice, Differences, Gap, Plot, Row, Study, Table
from studies.worlds import World, distorted, plain, rare_classes, trained_for

_BOTH_ROLES = (
    'model.teacher_checkpoint.checkpoint',
    'model.student_checkpoint.checkpoint',
)

#: What the names of rows with photometric distortion of the source end with.
AUGMENTED = ' + aug'
#: The same, of those with the target's colors and BatchNorm statistics as well.
LOOK = ' + target look'
#: The same, of those that train three times as long.
LONG = ', long'

FIGURES = {'mIoU': 'mIoU', 'aAcc': 'aAcc', 'pixel_precision': 'precision per pixel'}

_NOTE = (
    'The paper: GTA5 to Cityscapes at 1024x512, networks pretrained on ImageNet, '
    'students of pseudo labels not adapted; rows follow its chain of DSC, PL and MPL.'
)
CONTINUED = (
    'Here students of pseudo labels go on from the adapted network, as their few epochs '
    'ask for: only the order of the rows can be compared.'
)

#: Digits of the figures of :func:`discriminator_table`.
DISCRIMINATOR_DECIMALS = {
    'discriminator.loss': 4,
    'discriminator.accuracy_source': 2,
    'discriminator.accuracy_target': 2,
    'generator.adversarial.gradient_ratio': 6,
}


@dataclass(frozen=True)
class Method:
    """A method of adaptation.

    Attributes:
        config: Beginning of the paths of its configs, below ``configs``.
        after: The method that it goes on from.
        keys: Of its config, which take the checkpoint of that one.
        has_student: Whether teacher and student can be compared.
    """

    config: str
    after: str = ''
    keys: Sequence[str] = ()
    has_student: bool = False


METHODS = {
    'FCD': Method('adversarial/adversarial-fcd'),
    'DSC': Method('adversarial/adversarial-dsc'),
    'DSC + PL': Method(
        'pseudo_label/pseudo-label-dsc', 'DSC', ('model.generator.checkpoint',)
    ),
    'DSC + MPL': Method('mpl/mpl-product-dsc', 'DSC', _BOTH_ROLES, True),
    'DSC + MPL (loss change)': Method('mpl/mpl-change-dsc', 'DSC', _BOTH_ROLES, True),
    'DSC + MPL (gradient)': Method('mpl/mpl-gradient-dsc', 'DSC', _BOTH_ROLES, True),
    'mean teacher': Method('mean_teacher/mean-teacher', has_student=True),
}

#: The same with fresh students: the chain of Table I. The last two are what the paper
#: does not do, a student that goes on, and what it wishes for, one that is adapted.
FRESH_STUDENTS = {
    **METHODS,
    'DSC + PL': Method(
        'pseudo_label/pseudo-label-fresh-dsc', 'DSC', ('custom_hooks.1.checkpoint',)
    ),
    **{
        name: replace(METHODS[name], after='DSC + PL', keys=_BOTH_ROLES[:1])
        for name in METHODS
        if 'MPL' in name
    },
    'DSC + PL, continued': METHODS['DSC + PL'],
    'DSC + MPL, student pretrained': METHODS['DSC + MPL'],
}


def methods_of(world: World) -> dict[str, Method]:
    """The methods that are compared on a pair of domains."""
    return FRESH_STUDENTS if world.fresh_students else METHODS


def source_row(world: World, name: str, *changes: Change) -> Row:
    """A training on source labels alone."""
    always = (trained_for(world.epochs), world.network)
    return Row(name, world.source_config, (*always, *changes))


def oracle_row(world: World, name: str, *changes: Change) -> Row:
    """A training on target labels."""
    always = (trained_for(world.epochs), world.network)
    return Row(name, world.target_config, (*always, *changes))


def adapted_row(world: World, method: str, suffix: str = '') -> Row:
    """A method of adaptation.

    Args:
        world: The pair of domains.
        method: Key of :func:`methods_of`.
        suffix: :data:`AUGMENTED`, :data:`LOOK` or nothing; also that of the row that
            it goes on from.
    """
    kind = methods_of(world)[method]
    epochs = world.epochs_after if kind.after else world.epochs
    changes: list[Change] = [trained_for(epochs), world.network]
    changes += [distorted if suffix else plain]
    if 'mpl-product' in kind.config:
        feedback = {f'model.feedback_rule.{k}': v for k, v in world.feedback.items()}
        changes.append(feedback)
    if kind.has_student:
        changes.append(world.agreement)
    if suffix == LOOK:
        changes += [world.colors, world.batch_norm]
    start = {kind.after + suffix: kind.keys} if kind.after else {}
    return Row(method + suffix, world.pair_config(kind.config), changes, start)


def changed(row: Row, name: str, *changes: Change, **others: object) -> Row:
    """A row with another name, and with changes on top of its own."""
    return replace(row, name=name, changes=(*row.changes, *changes), **others)


def longer(row: Row, name: str, epochs: int, times: int) -> Row:
    """A row with a multiple of its epochs, validated as often."""
    return changed(row, name, trained_for(times * epochs, val_interval=epochs))


def adaptation_rows(world: World) -> list[Row]:
    """Every method with and without augmentation, and what is known without labels.

    That is the statistics that target images leave in BatchNorm, their colors on the
    source's images, and both together, the target look.
    """
    rows = []
    for suffix, change in (('', plain), (AUGMENTED, distorted)):
        rows.append(source_row(world, 'source-only' + suffix, change))
        rows += [adapted_row(world, method, suffix) for method in methods_of(world)]
    oracle = oracle_row(world, 'oracle')
    augmented = 'source-only' + AUGMENTED
    look = (distorted, world.colors, world.batch_norm)
    source_look = source_row(world, 'source-only' + LOOK, *look)
    dsc, labels = (adapted_row(world, name, LOOK) for name in ('DSC', 'DSC + PL'))
    mean_teacher = changed(
        adapted_row(world, 'mean teacher', LOOK),
        'mean teacher' + LOOK,
        trained_for(world.epochs_after),
        {
            'model.generator.checkpoint_prefix': 'generator.segmentor.',
            # As for pseudo labels, which go on from there as well.
            'optim_wrapper.student_generator.optimizer.lr': 1.25e-2,
        },
        start={dsc.name: ['model.generator.checkpoint']},
    )
    long_dsc = longer(dsc, dsc.name + LONG, world.epochs, 3)
    long_labels = longer(labels, labels.name + LONG, world.epochs_after, 3)
    return [
        *rows,
        oracle,
        source_row(world, augmented + ' + BatchNorm', distorted, world.batch_norm),
        source_row(world, augmented + ' + colors', distorted, world.colors),
        source_look,
        source_row(world, source_look.name + ' + rare classes', *look, rare_classes),
        dsc,
        labels,
        mean_teacher,
        longer(
            source_row(world, augmented, distorted), augmented + LONG, world.epochs, 3
        ),
        longer(source_look, source_look.name + LONG, world.epochs, 3),
        longer(oracle, 'oracle' + LONG, world.epochs, 3),
        long_dsc,
        replace(long_labels, start={long_dsc.name: methods_of(world)['DSC + PL'].keys}),
    ]


def discriminator_table(rows: Sequence[str]) -> Table:
    """Whether discriminators learned anything."""
    return Table(
        'What the discriminators have learned',
        rows,
        {
            'discriminator.loss': 'loss of the discriminator',
            'discriminator.accuracy_source': 'right on the source',
            'discriminator.accuracy_target': 'right on the target',
            'generator.adversarial.gradient_ratio': 'adversarial gradient',
        },
        note='Over the last steps of the training. One that cannot tell the domains '
        'apart has a loss of 0.6931; the gradient of the adversarial loss is a part of '
        "that of the source's loss, in the decode head.",
    )


def adaptation_study(
    world: World, title: str, introduction: str, seeds: Sequence[int]
) -> Study:
    """Paper A, Table I and Figures 5 and 8, and what source augmentation does to it."""
    rows = adaptation_rows(world)
    names = [row.name for row in rows]
    augmented, look = 'source-only + aug', 'source-only + target look'
    adapted_long = [
        f'{name}, long'
        for name in (look, 'DSC + target look', 'DSC + PL + target look')
    ]
    adapted = [
        name
        for name in names
        if name not in ('source-only', augmented, 'oracle') and LONG not in name
    ]
    steps = [
        ('FCD', 'source-only'),
        ('DSC', 'source-only'),
        ('DSC', 'FCD'),
        ('DSC + PL', 'DSC'),
        ('DSC + MPL', 'DSC'),
        ('DSC + MPL', 'DSC + PL'),
        ('DSC + MPL (loss change)', 'DSC + MPL'),
        ('DSC + MPL (gradient)', 'DSC + MPL'),
        ('DSC + PL + aug', 'DSC + aug'),
        ('DSC + MPL + aug', 'DSC + aug'),
        ('DSC + MPL (loss change) + aug', 'DSC + aug'),
        ('DSC + MPL (gradient) + aug', 'DSC + aug'),
        (look, augmented + ' + BatchNorm'),
        (look, augmented + ' + colors'),
        (look + ' + rare classes', look),
        ('DSC + target look', look),
        ('DSC + PL + target look', 'DSC + target look'),
        ('mean teacher + target look', 'DSC + target look'),
        (augmented + LONG, augmented),
        (look + LONG, look),
        ('oracle, long', 'oracle'),
        *((name, augmented + LONG) for name in adapted_long),
        *((name, augmented) for name in adapted_long),
    ]
    if world.fresh_students:
        steps += [
            ('DSC + PL', 'DSC + PL, continued'),
            ('DSC + MPL', 'DSC + MPL, student pretrained'),
        ]
    table_1 = Table(
        'Methods (paper A, Table I)',
        names,
        FIGURES,
        by_class='iou',
        published={
            'oracle': (45.6, None, 71.5),
            'FCD': (28.8, None, 66.8),
            'DSC': (30.7, None, 70.6),
            'DSC + PL': (32.2, None, 73.4),
            'DSC + MPL': (32.5, None, 72.0),
        },
        note=_NOTE if world.fresh_students else f'{_NOTE} {CONTINUED}',
    )
    shown = [n for n in names if n.startswith(('FCD', 'DSC')) and 'MPL' not in n]
    return Study(
        title,
        introduction,
        seeds,
        rows,
        changes=[world.unlabeled_figures],
        tables=[table_1, discriminator_table(shown)],
        differences=[
            Differences(
                'Every method against source-only with augmentation',
                [(name, augmented) for name in ['source-only', *adapted]],
            ),
            Differences('What each step adds', steps),
        ],
        gaps=[
            Gap('Share of the gap to the oracle', augmented, 'oracle', adapted),
            Gap('The same, long', augmented + LONG, 'oracle, long', adapted_long),
        ],
        plots=[
            Plot('Methods', 'bars', names),
            Plot('Figure 5', 'curves', ['FCD', 'DSC']),
            Plot(
                'Figure 8',
                'curves',
                [name for name in methods_of(world) if name.startswith('DSC')],
            ),
        ],
        choice=Choice(
            [name for name in names if not name.startswith('oracle')],
            {
                'entropy on the target': ('target_entropy', 'min'),
                'information on the target': ('target_information', 'max'),
                'source validation': ('source_mIoU', 'max'),
            },
        ),
        decimals=DISCRIMINATOR_DECIMALS,
    )
