from __future__ import annotations

import logging

import mmseg.registry
import pytest
from mmengine.registry import DefaultScope

import segda_mm.registry as registry


def test_registries_are_those_of_mmseg():
    for name in registry.__all__:
        if name not in {'FEEDBACK_RULES', 'LABELERS'}:
            assert getattr(registry, name) is getattr(mmseg.registry, name)


def test_feedback_rules_resolve_in_mmseg_scope_without_a_warning(caplog):
    class Doubling:
        def __init__(self, factor: float) -> None:
            self.factor = factor

    registry.FEEDBACK_RULES.register_module(name='_Doubling', module=Doubling)
    try:
        with (
            DefaultScope.overwrite_default_scope('mmseg'),
            caplog.at_level(logging.WARNING, logger='mmengine'),
        ):
            rule = registry.FEEDBACK_RULES.build({'type': '_Doubling', 'factor': 2.0})
        assert rule.factor == 2.0
        assert not caplog.records
        with pytest.raises(KeyError, match='_Absent'):
            registry.FEEDBACK_RULES.build({'type': '_Absent'})
    finally:
        registry.FEEDBACK_RULES.module_dict.pop('_Doubling')
