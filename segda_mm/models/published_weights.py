"""ImageNet weights that others publish, with the sha256 of their files."""

from __future__ import annotations

_TORCHVISION = 'https://download.pytorch.org/models'

#: Sources as :func:`~segda_mm.models.checkpoints.parse_checkpoint_source` reads them.
PUBLISHED_WEIGHTS = dict(
    resnet18=f'{_TORCHVISION}/resnet18-f37072fd.pth#sha256='
    'f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec',
    resnet101=f'{_TORCHVISION}/resnet101-63fe2227.pth#sha256='
    '63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a',
)
