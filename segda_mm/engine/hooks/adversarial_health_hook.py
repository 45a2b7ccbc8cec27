"""Warn when a discriminator has won or lost."""

from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner

from segda_mm.registry import HOOKS


@HOOKS.register_module()
class AdversarialHealthHook(Hook):
    """Watch the discriminators' accuracies over windows of iterations.

    One that is always right leaves the generator without a useful gradient; one that
    only guesses gives it nothing to follow. Both look fine in the losses.

    Args:
        window: Iterations over which accuracies are averaged before each judgement.
        won_above: A discriminator has won if both its accuracies, in [0, 1], are above.
        lost_below: It has lost if the mean of the two is below; guessing gives 0.5.
    """

    priority = 'BELOW_NORMAL'

    def __init__(
        self, window: int = 200, won_above: float = 0.95, lost_below: float = 0.55
    ) -> None:
        self.window = window
        self.won_above = won_above
        self.lost_below = lost_below

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: dict | None = None,
    ) -> None:
        """Judge every watched discriminator at the end of a window."""
        if not outputs or not self.every_n_train_iters(runner, self.window):
            return
        for key in outputs:
            name, _, figure = key.rpartition('.')
            if figure != 'accuracy_source' or 'discriminator' not in name:
                continue
            # Of the message hub, which also has those from before a resume.
            on_source, on_target = (
                runner.message_hub.get_scalar(f'train/{name}.accuracy_{domain}').mean(
                    self.window
                )
                for domain in ('source', 'target')
            )
            weight = f'model.{name.removesuffix("discriminator")}adv_weight'
            if min(on_source, on_target) > self.won_above:
                verdict = (
                    'has won: it hardly errs, and the adversarial gradient carries '
                    f'little. Lower optim_wrapper.{name}.optimizer.lr, or raise '
                    f'{weight}'
                )
            elif (on_source + on_target) / 2 < self.lost_below:
                verdict = (
                    'has lost: it guesses, and the generator follows noise. '
                    f'Raise optim_wrapper.{name}.optimizer.lr, let it begin with '
                    "model.discriminator.init_cfg=dict(type='Kaiming', "
                    f"layer='Conv2d', mode='fan_in'), or lower {weight}"
                )
            else:
                continue
            runner.logger.warning(
                f'{name} {verdict} (accuracy over the last {self.window} '
                f'iterations: source {on_source:.3f}, target {on_target:.3f})'
            )
