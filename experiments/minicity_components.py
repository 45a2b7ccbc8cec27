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
discussion = _base_.discussion + (
    ' Of what can be added to the source images, the target\'s style by Fourier amplitudes is at '
    '<<mIoU: Fourier style - source-only + aug>> against augmented source-only (each seed: <<each '
    'mIoU: Fourier style - source-only + aug>>), blur and noise at <<mIoU: camera effects - '
    'source-only + aug>>, more images of rare classes at <<mIoU: rare classes - source-only + aug>>: '
    'of these the style alone helps. The losses on unlabelled images are at <<mIoU: entropy loss - '
    'source-only + aug>> (entropy) and <<mIoU: maximum squares loss - source-only + aug>> (maximum '
    'squares) against it, but at <<mIoU: entropy loss - DSC + aug>> and <<mIoU: maximum squares loss '
    '- DSC + aug>> against DSC, which has no say in the gradient: all three have in common that the '
    'generator\'s BatchNorm sees images of the target, and nothing here shows that a loss on these '
    'images adds to that. The mean teacher is worse without its mixing (<<mIoU: mean teacher, no '
    'mixing - mean teacher>>; boxes instead of classes: <<mIoU: mean teacher, CutMix - mean '
    'teacher>>), but better without its strong augmentation (<<mIoU: mean teacher, no strong '
    'augmentation - mean teacher>>; each seed: <<each mIoU: mean teacher, no strong augmentation - '
    'mean teacher>>), and weights of single pixels (<<mIoU: mean teacher, pixel weights - mean teacher>>) or of classes '
    '(<<mIoU: mean teacher, median weights - mean teacher>>) instead of one weight for the image are '
    'no worse. A student that was trained before helps: the mean teacher that goes on from DSC is at '
    '<<mIoU: mean teacher, pretrained - mean teacher>> against the one from scratch, at <<mIoU: mean '
    'teacher, pretrained - DSC + aug>> against DSC and at <<mIoU: mean teacher, pretrained - MPL>> '
    'against MPL, the best row of this page, though it has trained twice as long as DSC, and MPL half'
    ' as long again. As the discriminator of that DSC has learned nothing, adversarial training is '
    'not what brings this; how much of it the longer training alone brings was not measured. MPL with'
    ' such a student is at <<mIoU: MPL - MPL, student from scratch>> against MPL with one from '
    'scratch, which has only the few steps of MPL to learn from.')
