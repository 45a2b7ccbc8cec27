# What paper A tunes, on its own data, where they are at hand.
from studies.tuning_runs import tuning_runs as _tuning_runs

_base_ = ['./_base_/paper_a.py', './_base_/gta2cityscapes_world.py']
title = 'GTA5 to Cityscapes: networks, optimizers and learning rates'
introduction = (
    'The supervised rows of Table I, Table II and Figures 4, 6 and 7 of "Meta Pseudo Labels for '
    'Real-Time Semantic Segmentation", on the data, with the networks and the lengths of training of '
    '[gta2cityscapes](gta2cityscapes.md). Rates of Adam and RMSprop, which the paper does not give, are '
    'those of `configs/_base_/schedules`.'
)
runs = _tuning_runs(_base_._world, _base_._large_network)
