# What paper A tunes, on the miniature world: networks, optimizers and rates. Its methods are
# compared in minicity_game2real.py.
from studies.tuning_runs import tuning_runs as _tuning_runs

_base_ = ['./_base_/paper_a.py', './_base_/minicity_world.py']
title = 'Miniature world: networks, optimizers and learning rates'
introduction = (
    'The supervised rows of Table I, Table II and Figures 4, 6 and 7 of "Meta Pseudo Labels for '
    'Real-Time Semantic Segmentation", on the worlds, with the networks and the lengths of training of '
    '[minicity_game2real](minicity_game2real.md). Rates of Adam and RMSprop, which the paper does not '
    'give, are those of `configs/_base_/schedules`.'
)
runs = _tuning_runs(_base_._world, _base_._large_network)
