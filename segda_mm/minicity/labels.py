"""The labels of Cityscapes (Cordts et al., CVPR 2016), which both worlds have."""

import numpy as np

#: Name, train id and RGB colour; the place in the table is the label id.
_TABLE = (
    ('unlabeled', 255, (0, 0, 0)),
    ('ego vehicle', 255, (0, 0, 0)),
    ('rectification border', 255, (0, 0, 0)),
    ('out of roi', 255, (0, 0, 0)),
    ('static', 255, (0, 0, 0)),
    ('dynamic', 255, (111, 74, 0)),
    ('ground', 255, (81, 0, 81)),
    ('road', 0, (128, 64, 128)),
    ('sidewalk', 1, (244, 35, 232)),
    ('parking', 255, (250, 170, 160)),
    ('rail track', 255, (230, 150, 140)),
    ('building', 2, (70, 70, 70)),
    ('wall', 3, (102, 102, 156)),
    ('fence', 4, (190, 153, 153)),
    ('guard rail', 255, (180, 165, 180)),
    ('bridge', 255, (150, 100, 100)),
    ('tunnel', 255, (150, 120, 90)),
    ('pole', 5, (153, 153, 153)),
    ('polegroup', 255, (153, 153, 153)),
    ('traffic light', 6, (250, 170, 30)),
    ('traffic sign', 7, (220, 220, 0)),
    ('vegetation', 8, (107, 142, 35)),
    ('terrain', 9, (152, 251, 152)),
    ('sky', 10, (70, 130, 180)),
    ('person', 11, (220, 20, 60)),
    ('rider', 12, (255, 0, 0)),
    ('car', 13, (0, 0, 142)),
    ('truck', 14, (0, 0, 70)),
    ('bus', 15, (0, 60, 100)),
    ('caravan', 255, (0, 0, 90)),
    ('trailer', 255, (0, 0, 110)),
    ('train', 16, (0, 80, 100)),
    ('motorcycle', 17, (0, 0, 230)),
    ('bicycle', 18, (119, 11, 32)),
)

#: Label id by name.
ID = {name: label_id for label_id, (name, _, _) in enumerate(_TABLE)}

#: The label ids whose instances are told apart.
THINGS = frozenset(range(ID['person'], ID['bicycle'] + 1))

#: Train id of every label id, uint8 (256,); 255 is void.
TRAIN_IDS = np.full(256, 255, np.uint8)
TRAIN_IDS[: len(_TABLE)] = [train_id for _, train_id, _ in _TABLE]

#: RGB colour of every label id, uint8 (256, 3); black where there is no label.
PALETTE = np.zeros((256, 3), np.uint8)
PALETTE[: len(_TABLE)] = [color for _, _, color in _TABLE]
