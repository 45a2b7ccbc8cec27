"""What all adaptation methods share: they deploy one plain segmentor."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from mmseg.models import BaseSegmentor
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor, nn

from segda_mm.methods.generator import Scalars, SegmentorGenerator
from segda_mm.methods.masking import masked_loss
from segda_mm.methods.steps import DomainBatch, Passes, collected
from segda_mm.registry import MODELS


class DomainAdaptiveSegmentor(BaseSegmentor):
    """A method that trains several networks and predicts with one of them.

    Prediction and evaluation see the deployed segmentor as if it stood alone. A
    subclass implements :meth:`source_losses` and :meth:`target_losses`, whose terms
    others extend, and ``train_step(data, optim_wrapper)``, whose result is logged; it
    descends the terms of :meth:`student_passes`. ``data`` is
    ``dict(source=batch, target=batch)`` as a ``DomainPairDataset`` gives it, or, for
    methods that need no source, a batch of the target alone;
    ``optim_wrapper`` has a member for each trained network, by its name.

    Args:
        predict_on: One of :attr:`ROLES`, the network that is evaluated and
            exported; None for a method without roles.
        masking: Config of what hides parts of target images (``BlockMask``), from
            which the student then learns, too, with the labels of the whole images;
            None: no such term.
        masked_loss_weight: Its weight (MIC: 1).
        backward_per_pass: Whether gradients are computed after each pass, so that one
            pass's graph is held, and not those of source and target together. The
            gradients are the same.

    Attributes:
        loss_weights: Factors of the terms of :meth:`student_losses` by their keys;
            1 for a key that is not in it.

    Raises:
        ValueError: ``predict_on`` names no role; or ``backward_per_pass`` is asked of a
            class that extends :meth:`student_losses`, which is of all passes.
    """

    #: Networks that can predict, each a child ``<role>_generator``; without roles
    #: it is the child ``generator``.
    ROLES: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if '__init__' in vars(cls):
            cls.__init__ = _completed(cls.__init__)  # type: ignore[method-assign]

    def __init__(
        self,
        predict_on: str | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        masking: dict | None = None,
        masked_loss_weight: float = 1.0,
        backward_per_pass: bool = False,
    ) -> None:
        super().__init__(_of_two_domains(data_preprocessor), init_cfg)
        if predict_on not in (self.ROLES or (None,)):
            raise ValueError(
                f'model.predict_on is {predict_on!r}, but must be one of {self.ROLES}'
            )
        self.predict_on = predict_on
        self.masking = None if masking is None else MODELS.build(masking)
        self.loss_weights: dict[str, float] = {'masked.loss': masked_loss_weight}
        extended = (
            type(self).student_losses is not DomainAdaptiveSegmentor.student_losses
        )
        if backward_per_pass and extended:
            raise ValueError(
                'model.backward_per_pass=True computes gradients pass by pass, but '
                f'{type(self).__name__} extends student_losses, which is of all '
                'passes; add its terms in source_losses or target_losses'
            )
        self.backward_per_pass = backward_per_pass

    def source_losses(self, source: DomainBatch) -> Scalars:
        """Terms of the student's loss from its pass of images with labels.

        ``source.result`` is then the pass that was made, with the graph.
        """
        raise NotImplementedError

    def target_losses(self, target: DomainBatch) -> Scalars:
        """Terms from its pass of target images as it sees them, ``target.result``.

        They have pseudo labels, or None.
        """
        raise NotImplementedError

    def student_passes(self, source: DomainBatch | None, target: DomainBatch) -> Passes:
        """What computes the terms of :meth:`student_losses`, pass by pass."""
        passes = [functools.partial(self.target_losses, target)]
        if source is not None:
            passes.insert(0, functools.partial(self.source_losses, source))
        if self.masking is not None and target.data_samples is not None:
            passes.append(functools.partial(self.masked_losses, target))
        return passes

    def student_losses(
        self, source: DomainBatch | None, target: DomainBatch
    ) -> Scalars:
        """Terms of the loss that the deployed network, or the student, descends.

        ``train_step`` adds the terms whose key contains ``loss``, each times its
        entry of :attr:`loss_weights`, and logs all of them without that factor. To
        extend a method, add terms to what ``super()`` returns, here or in
        :meth:`source_losses` and :meth:`target_losses`. ``result`` of the batches are
        then the passes that were just made, with the graph, until the update.

        Args:
            source: Images with labels; None where there are none.
            target: Images as the student sees them, with pseudo labels or None.
        """
        return collected(self.student_passes(source, target))

    def masked_losses(self, target: DomainBatch) -> Scalars:
        """``masked.loss`` of the target images, which have labels."""
        assert self.masking is not None
        batch = target.unmixed or target
        return {'masked.loss': masked_loss(self.student, self.masking, batch)}

    def passes_to_descend(
        self, source: DomainBatch | None, target: DomainBatch
    ) -> Passes:
        """Those of :meth:`student_passes` one by one, or as one."""
        if self.backward_per_pass:
            return self.student_passes(source, target)
        return [functools.partial(self.student_losses, source, target)]

    @property
    def student(self) -> SegmentorGenerator:
        """The network that descends :meth:`student_losses`."""
        return self.student_generator if self.ROLES else self.generator

    @property
    def deployed(self) -> BaseSegmentor:
        """The segmentor that predicts."""
        name = f'{self.predict_on}_generator' if self.ROLES else 'generator'
        return getattr(self, name).segmentor

    @property
    def decode_head(self) -> nn.Module:
        """The deployed segmentor's decode head."""
        return self.deployed.decode_head

    @property
    def threshold(self) -> float | None:
        """Of the foreground's probability, where the decode head has one channel."""
        head: Any = self.decode_head
        return head.threshold

    @property
    def num_classes(self) -> int:
        """Number of classes of the deployed segmentor."""
        return self.deployed.num_classes

    @property
    def out_channels(self) -> int:
        """Channels of the deployed segmentor's logits."""
        return self.deployed.out_channels

    @property
    def align_corners(self) -> bool:
        """How the deployed segmentor resizes its logits."""
        return self.deployed.align_corners

    def extract_feat(self, inputs: Tensor) -> list[Tensor]:
        """Features of the deployed segmentor for (N, 3, H, W) images."""
        return self.deployed.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Logits (N, C, H, W) of the deployed segmentor."""
        return self.deployed.encode_decode(inputs, batch_img_metas)

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict:
        """Supervised losses of the deployed segmentor."""
        return self.deployed.loss(inputs, data_samples)

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predictions of the deployed segmentor, as mmseg returns them."""
        return self.deployed.predict(inputs, data_samples)

    def _forward(self, inputs: Tensor, data_samples: OptSampleList = None) -> Tensor:
        return self.deployed._forward(inputs, data_samples)


def _completed(init: Callable) -> Callable:
    """Take the network's data preprocessor where a method has none.

    And drop what ``mmseg.apis.init_model`` adds to the config of every model.
    """

    @functools.wraps(init)
    def wrapped(self: DomainAdaptiveSegmentor, *args: Any, **kwargs: Any) -> None:
        for name in ('pretrained', 'train_cfg'):
            if name in kwargs and kwargs[name] is None:
                del kwargs[name]
        segmentor = (kwargs.get('generator') or {}).get('segmentor') or {}
        if kwargs.get('data_preprocessor') is None:
            kwargs['data_preprocessor'] = segmentor.get('data_preprocessor')
        init(self, *args, **kwargs)

    return wrapped


def _of_two_domains(preprocessor: Any) -> Any:
    """mmseg's data preprocessor as the one that also takes pairs of batches.

    Whole images need no ``size``, and a network alone says none.
    """
    kind = preprocessor.get('type') if isinstance(preprocessor, Mapping) else None
    if kind not in ('SegDataPreProcessor', 'mmseg.SegDataPreProcessor'):
        return preprocessor
    return dict(preprocessor, type='DomainDataPreprocessor')
