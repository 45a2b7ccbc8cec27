"""Normalisation of batches that hold two domains."""

from typing import Any

from mmseg.models import SegDataPreProcessor

from segda_mm.registry import MODELS


@MODELS.register_module()
class DomainDataPreprocessor(SegDataPreProcessor):
    """SegDataPreProcessor that also takes batches of source and target.

    Both domains are normalised alike: the generator is one network. Arguments
    are those of :class:`mmseg.models.SegDataPreProcessor`; ``size`` may differ
    between domains, so that usually ``size_divisor`` is given.
    """

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Normalise, convert and stack.

        Args:
            data: A batch of mmseg (``inputs``, ``data_samples``), or
                ``dict(source=batch, target=batch)``.
            training: Whether images are padded as in training.

        Returns:
            Same structure, ``inputs`` of shape (N, 3, H, W), float32.
        """
        if 'source' in data:
            return {
                domain: super(DomainDataPreprocessor, self).forward(
                    data[domain], training
                )
                for domain in ('source', 'target')
            }
        return super().forward(data, training)
