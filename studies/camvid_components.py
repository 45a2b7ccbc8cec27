"""Single components of adaptation on real video."""

from studies.components import component_study
from studies.worlds import CAMVID

study = component_study(
    CAMVID,
    title='CamVid: components',
    introduction=(
        'Data, network and lengths of training are those of '
        '[camvid_day2dusk](camvid_day2dusk.md), and all source images are '
        'photometrically distorted. Each row has one component more than '
        '`source-only + aug` or other than `mean teacher`.'
    ),
)
