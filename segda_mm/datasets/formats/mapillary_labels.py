"""Which categories of Mapillary Vistas are which classes of Cityscapes.

Sources: the category names of Mapillary Vistas (Neuhold et al., "The Mapillary
Vistas Dataset for Semantic Understanding of Street Scenes", ICCV 2017) in its
versions 1.2 (65 categories) and 2.0 (124), and the class definitions that
Cityscapes publishes (Cordts et al., "The Cityscapes Dataset", CVPR 2016).

Where the names alone do not decide, the definitions of Cityscapes do:

- Markings, bike lanes that are only marked, crossings, road shoulders, service
  lanes and potholes are road: the ground that cars drive on, whatever is painted
  on it.
- Curbs, curb cuts, pedestrian areas and traffic islands are sidewalk, whose
  definition includes the curb that delimits it.
- Parking, parking aisles, driveways, rail tracks, guard rails, bridges, tunnels
  and pole groups are void: Cityscapes has labels of its own for most of them and
  leaves them out of the evaluation; a driveway may be any of several.
- Manholes and catch basins are void, because they lie in roads and sidewalks.
- Sand is terrain; snow, water and mountains are void.
- The backs of traffic signs are void, because only the side with the
  information is a traffic sign; so are commercial signs, billboards and banners.
- Frames of traffic signs and street lights are void: the first are mostly
  gantries, the second are pole in Cityscapes only where they are thin.
- Caravans, trailers and boats, other and slow vehicles are void, as caravans
  and trailers are in Cityscapes.
- A garage is building; any other barrier than a wall or a fence is void.
- A group of persons (2.0) is a group of person; a group of vehicles is void,
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
    """Look up the Cityscapes train id of a category of Mapillary Vistas.

    Args:
        full_name: Such as ``'object--traffic-light--pedestrians'``; the
            longest beginning that the table has decides.

    Returns:
        0..18, or 255 for void.
    """
    parts = full_name.split('--')
    for length in range(len(parts), 0, -1):
        name = CITYSCAPES_CLASS_NAMES.get('--'.join(parts[:length]))
        if name is not None:
            return CLASSES.index(name)
    return IGNORE_INDEX
