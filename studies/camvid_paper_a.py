"""What paper A tunes, on real video: networks, optimizers and rates."""

from studies.paper_a import paper_a_study
from studies.worlds import CAMVID

study = paper_a_study(
    CAMVID,
    title='CamVid: networks, optimizers and learning rates',
    introduction=(
        'The supervised rows of Table I, and Figures 4, 6 and 7 of "Meta Pseudo Labels '
        'for Real-Time Semantic Segmentation", with the data, networks and lengths of '
        'training of [camvid_day2dusk](camvid_day2dusk.md). Rates of Adam and RMSprop, '
        'which the paper does not give, are 1e-3 for the network and 1e-4 for the '
        'discriminator. Costs of the '
        'discriminators (Table II): [networks](networks.md).'
    ),
)
