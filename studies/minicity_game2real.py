"""The methods of paper A on the miniature world: from the game's look to the real."""

from studies.adaptation import adaptation_study
from studies.worlds import MINICITY

study = adaptation_study(
    MINICITY,
    title='Miniature world, game to real look',
    introduction=(
        'Source: 200 labelled images of the game look. Target: 200 images of the real '
        'look, without labels; evaluated on 60 of other cities. 19 classes, 256x128, '
        'batches of 4. The network is BiSeNet-R18 with a quarter of its channels, from '
        'scratch, and the discriminators have a quarter of theirs. All train for 6 '
        'epochs of 50 steps, those called `long` for 18; PL and MPL go on from the end '
        'of DSC for 3 more. `aug`: photometric distortion of the source images. '
        '`BatchNorm`: running statistics of the target images (AdaBN). `colors`: source '
        'images take the color statistics of target images. `target look`: all three, '
        'chosen on another world; PL and the mean teacher with it go on from the end of '
        'DSC with it. Worlds: `python tools/dataset_converters/make_minicity.py`, and '
        'the same with `--out data/minicity-holdout --seed 2 --gta5 40 --train 1 --val '
        '1` for the held-out images of the source.'
    ),
    seeds=(0, 1, 2, 3, 4),
)
