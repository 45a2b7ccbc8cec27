"""The methods of paper A on real video: CamVid, from day to dusk."""

from studies.adaptation import adaptation_study
from studies.worlds import CAMVID

study = adaptation_study(
    CAMVID,
    title='CamVid, day to dusk',
    introduction=(
        'Source: the 305 labelled day frames of `0006R0` and `0016E5`. Target: the first '
        '31 frames of `0001TP`, at dusk, as images only; evaluated on its last 31 '
        'frames. 11 classes, 480x360, trained at 192x144 in batches of 4. The network is '
        'BiSeNet-R18 with a quarter of its channels, from scratch, and the '
        'discriminators have a quarter of theirs. All train for 4 epochs of 76 steps, '
        'those called `long` for 12; PL and MPL go on from the end of DSC for 2 more. '
        'Names are those of [minicity_game2real](minicity_game2real.md). Nothing was '
        'tuned on the evaluated frames; that `long` is worth a look was seen on the '
        'first 31.'
    ),
    seeds=(0, 1, 2, 3, 4),
)
