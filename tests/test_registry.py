from __future__ import annotations

import logging

import pytest
from mmengine.registry import DefaultScope

import segda_mm.registry as registry


def test_labelers_resolve_in_mmseg_scope_without_a_warning(caplog):
    class Doubling:
        def __init__(self, factor: float) -> None:
            self.factor = factor

    registry.LABELERS.register_module(name='_Doubling', module=Doubling)
    try:
        with (
            DefaultScope.overwrite_default_scope('mmseg'),
            caplog.at_level(logging.WARNING, logger='mmengine'),
        ):
            labeler = registry.LABELERS.build({'type': '_Doubling', 'factor': 2.0})
        assert labeler.factor == 2.0
        assert not caplog.records
        with pytest.raises(KeyError, match='_Absent'):
            registry.LABELERS.build({'type': '_Absent'})
    finally:
        registry.LABELERS.module_dict.pop('_Doubling')
