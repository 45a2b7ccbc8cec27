import itertools

import pytest
from mmengine.logging import MessageHub
from mmengine.registry import init_default_scope

_names = itertools.count()


@pytest.fixture(autouse=True)
def fresh_run():
    """What a Runner would set up: mmseg's names, and no iteration done yet."""
    init_default_scope('mmseg')
    MessageHub.get_instance(f'test_models_{next(_names)}')
