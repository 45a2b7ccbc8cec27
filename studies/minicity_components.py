"""Single components of adaptation on the miniature world."""

from studies.components import component_study
from studies.worlds import MINICITY

study = component_study(
    MINICITY,
    title='Miniature world: components',
    introduction=(
        'Data, network and lengths of training are those of '
        '[minicity_game2real](minicity_game2real.md), and all source images are '
        'photometrically distorted. Each row has one component more than '
        '`source-only + aug` or other than `mean teacher`.'
    ),
)
