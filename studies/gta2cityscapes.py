# The methods of paper A on its own data, where they are at hand.
from studies.adaptation_runs import adaptation_runs as _adaptation_runs

_base_ = ['./_base_/adaptation.py', './_base_/gta2cityscapes_world.py']
title = 'GTA5 to Cityscapes'
introduction = (
    'Source: 500 labelled images of GTA5 at 1280x720. Target: 500 images of Cityscapes train at '
    '1024x512, without labels; evaluated on 250 of Cityscapes val. 19 classes, batches of 4, 50 epochs. '
    'The network is BiSeNet-R18. `aug`: photometric distortion of the source images. `BatchNorm`: '
    'running statistics are those of the target images (AdaBN). `colors`: source images take the color '
    'statistics of target images, in a random strength. `target look`: all three. '
    '`rare classes`: images of rare classes are drawn more often. The improved recipe is `DSC + PL + '
    'target look`; `long`: three times as many epochs. Both '
    'data sets are licence-gated.'
)
seeds = [0, 1, 2]
runs = _adaptation_runs(_base_._world)
