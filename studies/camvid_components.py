# Single components of adaptation on real video.
from studies.component_runs import component_runs as _component_runs

_base_ = ['./_base_/components.py', './_base_/camvid_world.py']
title = 'CamVid: components'
introduction = (
    'The frames, the network and the lengths of training are those of '
    '[camvid_day2dusk](camvid_day2dusk.md), and all source images are photometrically distorted. Each '
    "row has one component more than `source-only + aug` or other than `mean teacher`. The target's colors "
    'and BatchNorm statistics are compared there.'
)
runs = _component_runs(_base_._world)
discussion = _base_.discussion + (
    ' Nothing here is known to beat augmented source-only, which three seeds spread over several '
    "points: the target's style by Fourier amplitudes is at <<mIoU: Fourier style - source-only + "
    'aug>> against it, blur and noise at <<mIoU: camera effects - source-only + aug>>, rare classes '
    'at <<mIoU: rare classes - source-only + aug>>, the entropy loss at <<mIoU: entropy loss - '
    'source-only + aug>>, maximum squares at <<mIoU: maximum squares loss - source-only + aug>> and '
    'the mean teacher at <<mIoU: mean teacher - source-only + aug>>. That one is worse without its '
    'mixing (<<mIoU: mean teacher, no mixing - mean teacher>>), with boxes instead of classes '
    '(<<mIoU: mean teacher, CutMix - mean teacher>>) and with weights of single pixels (<<mIoU: mean '
    'teacher, pixel weights - mean teacher>>), each in every seed, and without strong augmentation '
    'at <<mIoU: mean teacher, no strong augmentation - mean teacher>>. In every seed better, as on '
    'the miniature world, are weights of classes (<<mIoU: mean teacher, median weights - mean '
    'teacher>>) and a student that goes on from DSC (<<mIoU: mean teacher, pretrained - mean '
    'teacher>>; MPL: <<mIoU: MPL - MPL, student from scratch>>). Both together make the best mean teacher '
    'of this page, at <<mIoU: mean teacher, pretrained, median weights - mean teacher>> against the one '
    'without them, at <<mIoU: mean teacher, pretrained, median weights - DSC, twice as long>> against DSC '
    'for as many steps (each seed: <<each mIoU: mean teacher, pretrained, median weights - DSC, twice as '
    'long>>), and at <<mIoU: mean teacher, pretrained, median weights - source-only + aug>> against '
    'augmented source-only (each seed: <<each mIoU: mean teacher, pretrained, median weights - source-only '
    '+ aug>>).'
)
