"""The runs that paper A tunes by: networks, optimizers and learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .adaptation_runs import (
    World,
    adapted_run,
    supervised_config,
    supervised_options,
)

#: The discriminators of Table II, and their classes.
DISCRIMINATORS = {'FCD': 'FCDiscriminator', 'DSC': 'DSCDiscriminator'}

#: Result -> the optimizer of the supervised network. That of paper A's best, SGD, is
#: that of the configs; it gives no rates of the others.
SUPERVISED_OPTIMIZERS = {
    'supervised, R18, Adam': dict(type='Adam', lr=1e-3, weight_decay=1e-4, fused=True),
    'supervised, R18, RMSprop': dict(
        type='RMSprop', lr=1e-3, momentum=0.9, weight_decay=1e-4
    ),
}

#: Result -> the optimizer of the discriminator, which is Adam in the configs.
DISCRIMINATOR_OPTIMIZERS = {
    'DSC, D with SGD': dict(type='SGD', lr=1e-4, momentum=0.9, weight_decay=1e-4),
    'DSC, D with RMSprop': dict(type='RMSprop', lr=1e-4),
}

#: Result -> learning rate of the training on pseudo labels.
LABEL_RATES = {
    f'DSC + PL, lr {rate}': float(rate)
    for rate in ('2.5e-2', '1.25e-2', '5e-2', '2.5e-4')
}


def tuning_runs(world: World, large_network: Mapping[str, Any]) -> dict[str, dict]:
    """The entries ``runs`` of an experiment.

    Supervised networks of two sizes and with other optimizers, discriminators with
    other optimizers, pseudo labels at several rates, and the discriminators' costs.

    Args:
        world: The pair of domains.
        large_network: Dotted keys -> values that make the network that of ResNet-101.

    Returns:
        Name -> entry.
    """
    supervised = supervised_options(world)
    key = 'optim_wrapper.optimizer'
    changes = {
        'supervised, R18': {},
        'supervised, R101': large_network,
        **{
            name: {key: dict(_delete_=True, **optimizer)}
            for name, optimizer in SUPERVISED_OPTIMIZERS.items()
        },
    }
    config = supervised_config(world.target)
    runs = {
        name: dict(config=config, options={**supervised, **options})
        for name, options in changes.items()
    }
    dsc = runs['DSC'] = adapted_run(world, 'DSC', '')
    for name, optimizer in DISCRIMINATOR_OPTIMIZERS.items():
        key = 'optim_wrapper.discriminator.optimizer'
        options = {**dsc['options'], key: dict(_delete_=True, **optimizer)}
        runs[name] = dict(dsc, options=options)
    labels = adapted_run(world, 'DSC + PL', '')
    for name, rate in LABEL_RATES.items():
        options = {**labels['options'], 'optim_wrapper.generator.optimizer.lr': rate}
        runs[name] = dict(labels, options=options)
    for name, network in DISCRIMINATORS.items():
        command = ['studies/discriminator_costs.py', network]
        runs[f'cost of {name}'] = dict(kind='measurement', command=command)
    return runs
