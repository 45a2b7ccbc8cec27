# The methods of paper A on real video: CamVid, from day to dusk.
from segda_mm.experiments.adaptation_runs import adaptation_runs as _adaptation_runs

_base_ = ['./_base_/adaptation.py', './_base_/camvid_world.py']
title = 'CamVid, day to dusk'
introduction = (
    'Source: the 305 labelled day frames of `0006R0` and `0016E5`. Target: the first 31 frames of '
    '`0001TP`, at dusk, as images only; evaluated on its last 31 frames. 11 classes, 480x360, '
    'trained at 192x144 in batches of 4. The network is BiSeNet-R18 with a quarter of its channels, '
    'from scratch, and the discriminators have a quarter of theirs. source-only, adversarial methods, '
    'mean teacher and oracle train for 4 epochs of 76 steps, those called `long` for 12; PL and MPL go '
    'on from the end of DSC for 2 more. `aug`: photometric distortion of the source images. '
    '`BatchNorm`: running statistics are those of the target images (AdaBN). `colors`: source images '
    'take the color statistics of target images, in a random strength. `target look`: all three; PL '
    'and the mean teacher with it go on from the end of DSC with it. `rare classes`: images of rare '
    'classes are drawn more often. The improved recipe is `DSC + PL + target look`. Nothing was tuned on '
    'the evaluated frames: the settings and the recipe are those of the miniature world, and that `long` '
    'is worth a look was seen on the first 31.')
runs = _adaptation_runs(_base_._world)
discussion = (
    'Photometric augmentation alone changes mIoU by <<mIoU: source-only + aug - source-only>>. The '
    'methods of the paper as they are, without augmentation, change plain source-only by <<mIoU: FCD - '
    'source-only>> (FCD), <<mIoU: DSC - source-only>> (DSC), <<mIoU: DSC + PL - source-only>> (PL), <<mIoU: '
    'DSC + MPL - source-only>> (MPL) and <<mIoU: DSC + MPL (loss change) - source-only>> (MPL by the change '
    'of loss). On top of augmentation nothing is left of that: FCD changes augmented source-only by <<mIoU: '
    'FCD + aug - source-only + aug>>, DSC by <<mIoU: DSC + aug - source-only + aug>>, PL after it by <<mIoU: '
    'DSC + PL + aug - source-only + aug>>, MPL by <<mIoU: DSC + MPL + aug - source-only + aug>> and MPL by '
    'the change of loss by <<mIoU: DSC + MPL (loss change) + aug - source-only + aug>>. The target look, '
    'which was chosen on a miniature world, does not carry over: against augmented source-only it changes '
    'mIoU by <<mIoU: source-only + target look - source-only + aug>> (each seed: <<each mIoU: '
    'source-only + target look - source-only + aug>>), the BatchNorm statistics of the 31 dusk images '
    'alone by <<mIoU: source-only + aug + BatchNorm - source-only + aug>> and their colors alone by '
    '<<mIoU: source-only + aug + colors - source-only + aug>>. Even the oracle is only <<mIoU: oracle - '
    'source-only + aug>> above augmented source-only, so that there is little to adapt to. Three times as '
    'long, the oracle is <<mIoU: oracle, long - source-only + aug, long>> above it, while augmented '
    'source-only itself changes by <<mIoU: source-only + aug, long - source-only + aug>>. There the '
    'target look brings <<mIoU: source-only + target look, long - source-only + aug, long>> (each seed: '
    '<<each mIoU: source-only + target look, long - source-only + aug, long>>), DSC with it <<mIoU: DSC + '
    'target look, long - source-only + aug, long>>, and the improved recipe <<mIoU: DSC + PL + target '
    'look, long - source-only + aug, long>> (each seed: <<each mIoU: DSC + PL + target look, long - '
    'source-only + aug, long>>). Against the short augmented source-only, which who had labels of the '
    'target might have stopped at, the improved recipe changes mIoU by <<mIoU: DSC + PL + target look, '
    'long - source-only + aug>>. With three seeds none of these gains of the long trainings can be told '
    'from chance: the spread over seeds, on 31 frames of which six classes are learned, is larger. What '
    'they do tell is that the augmentation helps in each of them, and that in the short trainings the '
    'statistics of the target harm in each.')
