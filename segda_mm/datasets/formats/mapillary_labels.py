"""Which categories of Mapillary Vistas are which classes of Cityscapes.

Sources: the category names of Mapillary Vistas 1.2 (65) and 2.0 (124)
(Neuhold et al., ICCV 2017), and the class definitions of Cityscapes (Cordts et
al., CVPR 2016). What has a label there that is not evaluated is void (parking, rail
tracks, guard rails, bridges, pole groups, caravans, ...), as are manholes, backs of
signs, water, mountains, and groups of vehicles, whose kinds are not told.
"""

from __future__ import annotations

from collections.abc import Mapping

from .cityscapes_labels import CLASSES, IGNORE_INDEX

#: Class of Cityscapes by the full name of a category, or by a beginning of it
#: that ends before a ``--``. All others are void.
CITYSCAPES_CLASS_NAMES: Mapping[str, str] = {
    'construction--barrier--curb': 'sidewalk',
    'construction--barrier--fence': 'fence',
    'construction--barrier--wall': 'wall',
    'construction--flat--bike-lane': 'road',
    'construction--flat--crosswalk-plain': 'road',
    'construction--flat--curb-cut': 'sidewalk',
    'construction--flat--pedestrian-area': 'sidewalk',
    'construction--flat--road': 'road',
    'construction--flat--road-shoulder': 'road',
    'construction--flat--service-lane': 'road',
    'construction--flat--sidewalk': 'sidewalk',
    'construction--flat--traffic-island': 'sidewalk',
    'construction--structure--building': 'building',
    'construction--structure--garage': 'building',
    'human--person': 'person',
    'human--rider': 'rider',
    'marking': 'road',
    'marking-only': 'road',
    'nature--sand': 'terrain',
    'nature--sky': 'sky',
    'nature--terrain': 'terrain',
    'nature--vegetation': 'vegetation',
    'object--pothole': 'road',
    'object--support--pole': 'pole',
    'object--support--utility-pole': 'pole',
    'object--traffic-light': 'traffic light',
    'object--traffic-sign--direction-front': 'traffic sign',
    'object--traffic-sign--front': 'traffic sign',
    'object--traffic-sign--information-parking': 'traffic sign',
    'object--traffic-sign--temporary-front': 'traffic sign',
    'object--vehicle--bicycle': 'bicycle',
    'object--vehicle--bus': 'bus',
    'object--vehicle--car': 'car',
    'object--vehicle--motorcycle': 'motorcycle',
    'object--vehicle--on-rails': 'train',
    'object--vehicle--truck': 'truck',
}


def cityscapes_train_id(full_name: str) -> int:
    """Look up the Cityscapes train id, 0..18 or 255, of a full category name."""
    parts = full_name.split('--')
    for length in range(len(parts), 0, -1):
        name = CITYSCAPES_CLASS_NAMES.get('--'.join(parts[:length]))
        if name is not None:
            return CLASSES.index(name)
    return IGNORE_INDEX
