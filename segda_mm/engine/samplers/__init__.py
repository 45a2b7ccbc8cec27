"""Samplers: the order in which the samples of an epoch are drawn."""

from segda_mm.engine.samplers.resumable_sampler import ResumableSampler

__all__ = ['ResumableSampler']
