"""Time the loss of a head, and pseudo labels, by tiles and by whole maps.

Both begin with a head's logits at an eighth of the images' size. The loss is mmseg's
way with PyTorch's operations (resize, cross entropy over pixels, gradient of the
logits, accuracy) beside `PixelCrossEntropyLoss` of small logits; pseudo labels are
resize, softmax and the largest class beside `upsampled_prediction`. The results must be
equal to rounding. There is no lower bound: the ratio is that of the two lines.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmengine.device import get_device
from timing import MIB, parser_for, report, time_ways, timed_lines
from torch import Tensor

from segda_mm.models.losses import PixelCrossEntropyLoss
from segda_mm.ops.metrics import pixel_accuracy
from segda_mm.ops.upsampled_logits import upsampled_prediction
from studies.records import provenance

STRIDE = 8
VOID = 255


def loss_ways(logits: Tensor, labels: Tensor) -> dict[str, Callable]:
    """Loss, accuracy and gradient of one head."""
    loss = PixelCrossEntropyLoss()
    size = labels.shape[1:]

    def tiles() -> tuple[Tensor, ...]:
        value, accuracy = loss(logits, labels, ignore_index=VOID, with_accuracy=True)
        return value, accuracy, *torch.autograd.grad(value, logits)

    def maps() -> tuple[Tensor, ...]:
        full = F.interpolate(logits, size, mode='bilinear')
        value = loss(full, labels, ignore_index=VOID)
        accuracy = pixel_accuracy(full, labels, VOID)
        return value, accuracy, *torch.autograd.grad(value, logits)

    return {'by tiles': tiles, 'by whole maps': maps}


def label_ways(logits: Tensor, labels: Tensor) -> dict[str, Callable]:
    """Pseudo labels and confidences of a pass."""
    logits, size = logits.detach(), labels.shape[1:]

    def maps() -> tuple[Tensor, Tensor]:
        full = F.interpolate(logits, size, mode='bilinear').permute(0, 2, 3, 1)
        confidence, classes = full.softmax(-1).max(-1)
        return confidence, classes

    def tiles() -> tuple[Tensor, Tensor]:
        return upsampled_prediction(logits, size, align_corners=False)

    return {'by tiles': tiles, 'by whole maps': maps}


def measure(path: str, ways: dict[str, Callable], size: str, repeats: int) -> list:
    """Lines of two ways, with what each keeps for its backward pass."""
    results, kept = [], []
    for way in ways.values():
        saved: dict[int, int] = {}

        def note(tensor: Tensor, saved: dict[int, int] = saved) -> Tensor:
            storage = tensor.untyped_storage()
            saved[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            results.append(way())
        kept.append(sum(saved.values()) / MIB)
    for found, expected in zip(*results):
        if found.is_floating_point():
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-8)
        else:
            assert (found == expected).float().mean() > 0.9999
    lines = timed_lines(path, size, time_ways(ways, repeats))
    for line, amount in zip(lines, kept):
        line['kept_mib'] = round(amount, 2)
        print(f'    {line["path"]}: {amount:.2f} MiB kept for the backward pass')
    return lines


def main() -> None:
    parser = parser_for(__doc__, repeats=15)
    parser.add_argument('--size', default='512x1024', help='HxW of the images')
    parser.add_argument('--batch-size', type=int, default=2)
    parser.add_argument('--classes', type=int, default=19)
    args = parser.parse_args()
    origin = provenance()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    height, width = map(int, args.size.split('x'))
    shape = args.batch_size, args.classes, height // STRIDE, width // STRIDE
    logits = torch.randn(shape, device=get_device())
    logits = logits.contiguous(memory_format=torch.channels_last).requires_grad_()
    labels = torch.randint(args.classes, (args.batch_size, height, width))
    labels[:, : height // 8] = VOID
    labels = labels.to(logits.device)
    size = f'{args.size}, batch {args.batch_size}, {args.classes} classes'
    lines = [
        *measure('pseudo labels', label_ways(logits, labels), size, args.repeats),
        *measure('loss of a head', loss_ways(logits, labels), size, args.repeats),
    ]
    report('upsampled_loss', lines, origin, args.out)


if __name__ == '__main__':
    main()
