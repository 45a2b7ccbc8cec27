# Single components of adaptation on the miniature world.
from studies.component_runs import component_runs as _component_runs

_base_ = ['./_base_/components.py', './_base_/minicity_world.py']
title = 'Miniature world: components'
introduction = (
    'The worlds, the network and the lengths of training are those of '
    '[minicity_game2real](minicity_game2real.md), and all source images are photometrically distorted. '
    "Each row has one component more than `source-only + aug` or other than `mean teacher`. The target's "
    'colors and BatchNorm statistics are compared there.'
)
runs = _component_runs(_base_._world)
discussion = _base_.discussion + (
    " Of what can be added to the source images, the target's style by Fourier amplitudes is at "
    '<<mIoU: Fourier style - source-only + aug>> against augmented source-only (each seed: <<each '
    'mIoU: Fourier style - source-only + aug>>), blur and noise at <<mIoU: camera effects - '
    'source-only + aug>>, more images of rare classes at <<mIoU: rare classes - source-only + aug>>: '
    'of these the style alone helps. The losses on unlabelled images are at <<mIoU: entropy loss - '
    'source-only + aug>> (entropy) and <<mIoU: maximum squares loss - source-only + aug>> (maximum '
    'squares) against it, but at <<mIoU: entropy loss - DSC + aug>> and <<mIoU: maximum squares loss '
    '- DSC + aug>> against DSC, which has no say in the gradient: all three have in common that the '
    "generator's BatchNorm sees images of the target, and nothing here shows that a loss on these "
    'images adds to that. The mean teacher is worse without its mixing (<<mIoU: mean teacher, no '
    'mixing - mean teacher>>; boxes instead of classes: <<mIoU: mean teacher, CutMix - mean '
    'teacher>>), but better without its strong augmentation (<<mIoU: mean teacher, no strong '
    'augmentation - mean teacher>>; each seed: <<each mIoU: mean teacher, no strong augmentation - '
    'mean teacher>>) and with weights of classes instead of one weight for the image (<<mIoU: mean '
    'teacher, median weights - mean teacher>>; each seed: <<each mIoU: mean teacher, median weights '
    '- mean teacher>>); weights of single pixels are at <<mIoU: mean teacher, pixel weights - mean '
    'teacher>>. One that goes on from DSC is at <<mIoU: mean teacher, pretrained - mean teacher>> '
    'against the one from scratch and at <<mIoU: mean teacher, pretrained - DSC + aug>> against DSC, '
    'but has trained twice as long as that: DSC for as many steps, whose discriminator has hardly a '
    'say either (its gradient is <<generator.adversarial.gradient_ratio: DSC, twice as long>> of '
    'that of the source), is at <<mIoU: DSC, twice as long - DSC + aug>>, and the mean teacher at '
    '<<mIoU: mean teacher, pretrained - DSC, twice as long>> against it (each seed: <<each mIoU: '
    'mean teacher, pretrained - DSC, twice as long>>), no gain that could be told from chance. '
    'Together with the weights of classes it is the best row of this page, at <<mIoU: mean teacher, '
    'pretrained, median weights - DSC, twice as long>> against the longer DSC (each seed: <<each '
    'mIoU: mean teacher, pretrained, median weights - DSC, twice as long>>) and at <<mIoU: mean '
    'teacher, pretrained, median weights - source-only + aug>> against augmented source-only; these '
    'two parts were put together because they helped in each of these seeds, here and on '
    '[CamVid](camvid_components.md). MPL with a student that was trained before is at <<mIoU: MPL - '
    'MPL, student from scratch>> against MPL with one from scratch, which has only the few steps of '
    'MPL to learn from.'
)
