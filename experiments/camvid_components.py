# Single components of adaptation on real video.
from segda_mm.experiments.component_runs import component_runs as _component_runs

_base_ = ['./_base_/components.py', './_base_/camvid_world.py']
title = 'CamVid: components'
introduction = (
    'The frames, the network and the lengths of training are those of '
    '[camvid_day2dusk](camvid_day2dusk.md), and all source images are photometrically distorted. Each '
    'row has one component more than `source-only + aug` or other than `mean teacher`. The target\'s colors '
    'and BatchNorm statistics are compared there.')
runs = _component_runs(_base_._world)
