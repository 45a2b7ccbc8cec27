"""A segmentor that starts from the checkpoint of another training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmengine.logging import print_log
from mmengine.model import update_init_info
from torch import Tensor, nn

from segda_mm.registry import WEIGHT_INITIALIZERS

from .checkpoints import under_prefix
from .foreign_checkpoints import read_foreign_weights

#: Where a checkpoint may keep the network that predicts, in the order tried.
PREFIXES = (
    'generator.segmentor.',
    'light_generator.segmentor.',
    'student_generator.segmentor.',
    'teacher_generator.segmentor.',
    'segmentor.',
    '',
)

_HEADS = ('decode_head', 'auxiliary_head')

#: What mmseg's heads call their last layer, of one channel a class.
_CLASSIFIER = '.conv_seg.'


@WEIGHT_INITIALIZERS.root.register_module()
class StartingWeights:
    """Start a segmentor from the network of another training, of whatever method.

    ``init_cfg`` of an ``EncoderDecoder``. All weights of backbone and neck must fit.
    The checkpoint may be another program's, as MMSegmentation's zoo has them; its code
    is not run.

    Args:
        checkpoint: See :func:`~segda_mm.models.checkpoints.parse_checkpoint_source`.
        prefix: What the network's keys begin with there; None: the first of
            :data:`PREFIXES` that it has a backbone under.
        head: ``'load'``: the heads must fit as well, and be of the same classes;
            ``'skip'``: layers of heads that do not stay as they are initialised, and
            where the classes differ their last layers.
        classes: Names that are compared with those in the checkpoint's
            meta; None: not compared.

    Raises:
        ValueError: Weights or classes do not fit, or ``head`` is neither.
    """

    def __init__(
        self,
        checkpoint: str,
        prefix: str | None = None,
        head: str = 'load',
        classes: Sequence[str] | None = None,
    ) -> None:
        if head not in ('load', 'skip'):
            raise ValueError(f"head={head!r} must be 'load' or 'skip'")
        self.checkpoint, self.prefix = checkpoint, prefix
        self.head, self.classes = head, classes

    def __call__(self, module: nn.Module) -> None:
        """Fill the module, in place, and say what was not taken."""
        state, table = read_foreign_weights(self.checkpoint)
        weights = _network_weights(state, self.prefix, self.checkpoint)
        own = module.state_dict()
        theirs = table.get('classes', [])
        others = bool(theirs and self.classes) and theirs != list(self.classes or ())
        misfits = [
            name
            for name in dict.fromkeys([*own, *weights])
            if name not in own
            or name not in weights
            or own[name].shape != weights[name].shape
            or (others and name.startswith(_HEADS) and _CLASSIFIER in name)
        ]
        if misfits and self.head == 'load':
            raise ValueError(self._refusal(misfits, theirs if others else []))
        wrong = [name for name in misfits if not name.startswith(_HEADS)]
        if wrong:
            raise ValueError(
                f'{self.checkpoint} is of another network: {_some(wrong)} do not fit. '
                'Name the network that it was trained with, or another checkpoint'
            )
        for name, part in module.named_children():
            if any(misfit.startswith(f'{name}.') for misfit in misfits):
                for head in part if isinstance(part, nn.ModuleList) else [part]:
                    head.init_weights()
        taken = {k: v for k, v in weights.items() if k not in misfits}
        module.load_state_dict(taken, strict=False)
        for part in module.modules():
            # MMEngine would draw the parts afresh after the whole.
            if part is not module and hasattr(part, 'init_weights'):
                part.is_init = True
        if hasattr(module, '_params_init_info'):
            update_init_info(module, f'StartingWeights: loaded {self.checkpoint}')
        left = f', without {_some(misfits)}, which start afresh' if misfits else ''
        print_log(f'Started from {self.checkpoint}{left}', logger='current')

    def _refusal(self, misfits: list[str], theirs: list[str]) -> str:
        what = f'{_some(misfits)} do not fit'
        if theirs and self.classes:
            what = (
                f'it tells {len(theirs)} classes apart ({_some(theirs)}), and this '
                f'config {len(self.classes)} others ({_some(list(self.classes))})'
            )
        return (
            f'{self.checkpoint} cannot be started from: {what}. Set head of init to '
            "'skip' to take all but the last layers of the heads, or take another "
            'checkpoint'
        )


def _network_weights(
    state: Mapping[str, Tensor], prefix: str | None, source: str
) -> dict[str, Tensor]:
    for candidate in PREFIXES if prefix is None else [prefix]:
        part = under_prefix(state, candidate)
        if any(name.startswith('backbone.') for name in part):
            return part
    starts = sorted({name.split('.')[0] for name in state})
    raise ValueError(
        f'{source} holds no segmentor{f" under {prefix!r}" if prefix else ""}: its '
        f'keys begin with {", ".join(starts) or "nothing"}. Set prefix of init to what '
        'stands before `backbone.`, or take another checkpoint'
    )


def _some(names: Sequence[str]) -> str:
    return ', '.join(names[:3]) + (f', ... ({len(names)})' if len(names) > 3 else '')
