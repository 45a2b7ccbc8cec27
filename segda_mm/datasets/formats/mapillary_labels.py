"""Which categories of Mapillary Vistas are which classes of Cityscapes.

Sources: the category names of Mapillary Vistas 1.2 (65) and 2.0 (124)
(Neuhold et al., ICCV 2017), and the class definitions of Cityscapes (Cordts et
al., CVPR 2016), which decide where the names alone do not:

- Whatever is painted on the ground that cars drive on is road, potholes too.
- The curb belongs to the sidewalk, traffic islands are sidewalk.
- What has a label of its own that Cityscapes does not evaluate is void
  (parking, driveways, rail tracks, guard rails, bridges, tunnels, pole groups,
  caravans, trailers), as are manholes, which lie in roads and sidewalks.
- Only the side of a sign with the information is a traffic sign; backs,
  frames, billboards and banners are void.
- Sand is terrain, a garage building; snow, water, mountains and boats are void.
- A group of persons (2.0) is a group of person; one of vehicles is void,
  because their kinds are not told.
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
    """Look up the Cityscapes train id, 0..18 or 255, of a category.

    Args:
        full_name: Such as ``'object--traffic-light--pedestrians'``; the longest
            beginning that the table has decides.
    """
    parts = full_name.split('--')
    for length in range(len(parts), 0, -1):
        name = CITYSCAPES_CLASS_NAMES.get('--'.join(parts[:length]))
        if name is not None:
            return CLASSES.index(name)
    return IGNORE_INDEX
