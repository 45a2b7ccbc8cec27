"""The methods of paper A on its own data, where they are at hand."""

from studies.adaptation import adaptation_study
from studies.worlds import GTA2CITYSCAPES

study = adaptation_study(
    GTA2CITYSCAPES,
    title='GTA5 to Cityscapes',
    introduction=(
        'Source: 500 labelled images of GTA5 at 1280x720. Target: 500 images of '
        'Cityscapes train at 1024x512, without labels; evaluated on 250 of Cityscapes '
        'val at the same size. 19 classes, batches of 4, 50 epochs, BiSeNet-R18. '
        'Students of pseudo labels start from ImageNet and the teacher of MPL from '
        '`DSC + PL`, as in the paper; `continued` goes on from DSC, and so does a '
        '`student pretrained` with its teacher. Other names are those of '
        '[minicity_game2real](minicity_game2real.md). Both data sets are licence-gated.'
    ),
    seeds=(0, 1, 2),
)
