"""How class and instance of a pixel share one number.

``code = train_id * LABEL_DIVISOR + instance_id``, int32. Instances of a thing
class count from 1; 0 is stuff, or a group of things that nobody told apart.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Instances per class and image that a code has room for, and the group's 0.
LABEL_DIVISOR = 1000

#: The train id of void.
VOID_CLASS = 255

#: The code of a void pixel.
VOID_CODE = VOID_CLASS * LABEL_DIVISOR

#: A pixel of one instance of a class that is left out of the evaluation
#: (Cityscapes: caravan, trailer). It is void too, but the instance-level tool
#: of Cityscapes, which compares the values of instance maps with label ids,
#: does not count it as such.
IGNORED_INSTANCE_CODE = VOID_CODE + 1


def check_thing_classes(thing_classes: Iterable[int]) -> None:
    """Raise ValueError unless these are train ids in [0, 254]."""
    outside = [c for c in thing_classes if not 0 <= c < VOID_CLASS]
    if outside:
        raise ValueError(
            f'thing_classes names {outside}, but train ids lie in [0, {VOID_CLASS - 1}]'
        )
