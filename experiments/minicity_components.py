# Single components of adaptation on the miniature world.
from segda_mm.experiments.component_runs import component_runs as _component_runs

_base_ = ['./_base_/components.py', './_base_/minicity_world.py']
title = 'Miniature world: components'
introduction = (
    'The worlds, the network and the lengths of training are those of '
    '[minicity_game2real](minicity_game2real.md), and all source images are photometrically distorted. '
    'Each row has one component more than `source-only + aug` or other than `mean teacher`. The target\'s '
    'colors and BatchNorm statistics are compared there.')
runs = _component_runs(_base_._world)
