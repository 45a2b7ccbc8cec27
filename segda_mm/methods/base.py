"""What all adaptation methods share: they deploy one plain segmentor."""

from abc import abstractmethod

from mmseg.models import BaseSegmentor
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor, nn


class DomainAdaptiveSegmentor(BaseSegmentor):
    """A method that trains several networks and predicts with one of them.

    Prediction, test-time augmentation, visualisation and evaluation see the
    deployed segmentor as if it stood alone. A subclass implements
    ``train_step`` and :attr:`deployed`.
    """

    @property
    @abstractmethod
    def deployed(self) -> BaseSegmentor:
        """The segmentor that predicts."""

    @property
    def decode_head(self) -> nn.Module:
        """The deployed segmentor's decode head."""
        return self.deployed.decode_head

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
