import pytest
from mmengine.registry import init_default_scope


@pytest.fixture(autouse=True)
def mmseg_scope():
    """Names resolve as under a Runner with ``default_scope = 'mmseg'``."""
    init_default_scope('mmseg')
