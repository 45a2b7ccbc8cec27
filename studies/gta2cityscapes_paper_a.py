"""What paper A tunes, on its own data: networks, optimizers and rates."""

from studies.paper_a import paper_a_study
from studies.worlds import GTA2CITYSCAPES

study = paper_a_study(
    GTA2CITYSCAPES,
    title='GTA5 to Cityscapes: networks, optimizers and learning rates',
    introduction=(
        'The supervised rows of Table I, and Figures 4, 6 and 7 of "Meta Pseudo Labels '
        'for Real-Time Semantic Segmentation", with the data, networks and lengths of '
        'training of [gta2cityscapes](gta2cityscapes.md). Rates of Adam and RMSprop, '
        'which the paper does not give, are 1e-3 for the network and 1e-4 for the '
        'discriminator. Costs of the '
        'discriminators (Table II): [networks](networks.md).'
    ),
)
