"""A model of PyTorch and a graph of ONNX Runtime, behind one face."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from segda_mm.errors import PreflightError
from segda_mm.labeling import without_labels
from segda_mm.ops.class_probabilities import sample_probabilities

from .onnx_predict import OnnxSegmentor

#: Labels (H, W) uint8, and their probability (H, W) float32 or None.
Prediction = tuple[np.ndarray, np.ndarray | None]


class Network(Protocol):
    """What predicts on batches of pictures."""

    def prepare(self, picture: np.ndarray) -> tuple[Hashable, Any]:
        """An input and its shape, for a picture (H, W, 3) uint8 in RGB.

        Inputs of one shape can go through the network together.
        """

    def predict(
        self, inputs: list, sizes: Sequence[tuple[int, int]], with_confidence: bool
    ) -> list[Prediction]:
        """Predict a batch, for pictures of some sizes (H, W)."""


class ModelNetwork:
    """A segmentor of PyTorch, with the test pipeline of its config.

    Args:
        model: On its device, in evaluation mode; may be wrapped for test-time
            augmentation.
        pipeline: Configs of transforms; what loads labels is left out.
        is_gray: Whether the transforms take pictures in grey.

    Raises:
        PreflightError: The pipeline does not begin by reading an image file.
    """

    def __init__(
        self, model: nn.Module, pipeline: Sequence[dict], is_gray: bool = False
    ) -> None:
        self.model: Any = model
        first, *rest = without_labels(pipeline)
        if first['type'] != 'LoadImageFromFile':
            raise PreflightError(
                f'the test pipeline begins with {first["type"]}, for which pictures '
                "cannot be given; it must be LoadImageFromFile, of MMSegmentation's"
            )
        self.is_gray = is_gray
        load = dict(
            type='LoadImageFromNDArray', to_float32=first.get('to_float32', False)
        )
        self.pipeline = Compose([load, *rest])

    def prepare(self, picture: np.ndarray) -> tuple[Hashable, dict]:
        """See :class:`Network`; for test-time augmentation, an input of views."""
        wanted = cv2.COLOR_RGB2GRAY if self.is_gray else cv2.COLOR_RGB2BGR
        given = self.pipeline(dict(img=cv2.cvtColor(picture, wanted)))
        views = given['inputs']
        views = views if isinstance(views, list | tuple) else [views]
        return tuple(tuple(view.shape) for view in views), given

    @torch.inference_mode()
    def predict(
        self, inputs: list, sizes: Sequence[tuple[int, int]], with_confidence: bool
    ) -> list[Prediction]:
        """See :class:`Network`."""
        return [
            (
                (labels := sample.pred_sem_seg.data[0]).to(torch.uint8).cpu().numpy(),
                _confidence(sample.seg_logits.data, labels)
                if with_confidence
                else None,
            )
            for sample in self.model.test_step(pseudo_collate(inputs))
        ]


class OnnxNetwork:
    """A graph, whose logits are brought to the pictures' sizes as mmseg does.

    Args:
        graph: What ONNX Runtime runs.
    """

    def __init__(self, graph: OnnxSegmentor) -> None:
        self.graph = graph

    def prepare(self, picture: np.ndarray) -> tuple[Hashable, np.ndarray]:
        """See :class:`Network`."""
        return (), self.graph.planes(picture)

    @torch.inference_mode()
    def predict(
        self, inputs: list, sizes: Sequence[tuple[int, int]], with_confidence: bool
    ) -> list[Prediction]:
        """See :class:`Network`; without a confidence where labels come out."""
        outputs = self.graph.run(np.stack(inputs))
        if self.graph.output == 'labels':
            return [
                (cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST), None)
                for labels, size in zip(outputs, sizes)
            ]
        return [
            self._from_logits(torch.from_numpy(logits), size, with_confidence)
            for logits, size in zip(outputs, sizes)
        ]

    def _from_logits(
        self, logits: Tensor, size: tuple[int, int], with_confidence: bool
    ) -> Prediction:
        if logits.shape[1:] != size:
            corners = self.graph.metadata['align_corners']
            logits = F.interpolate(
                logits[None], size, mode='bilinear', align_corners=corners
            )[0]
        # Five times as fast as argmax, which looks at one pixel after the other.
        labels = logits.max(0).indices
        confidence = None
        if with_confidence:
            threshold = self.graph.metadata.get('threshold')
            if threshold is not None:
                # The graph has shifted the second of its logits by it.
                shift = math.log(threshold / (1 - threshold))
                logits = (logits[1:] - logits[:1] + shift).sigmoid()
            confidence = _confidence(logits, labels)
        return labels.to(torch.uint8).numpy(), confidence


def _confidence(logits: Tensor, labels: Tensor) -> np.ndarray:
    """Probability of the predicted class, (H, W) float32."""
    if len(logits) == 1:
        probabilities = sample_probabilities(logits)
        confidence = probabilities.gather(0, labels[None].long())[0]
    else:
        # Faster than to look for the classes; the most probable ones are predicted.
        confidence = (logits.amax(0) - logits.logsumexp(0)).exp()
    return confidence.float().cpu().numpy()
