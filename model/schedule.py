"""The learning rate: it depends on the step only, so a resumed training needs no scheduler state."""

from config import TrainingConfig


def learning_rate(step: int, steps_per_epoch: int, settings: TrainingConfig) -> float:
    """Linear warm-up in the first epoch, then a fall.

    Linear: in a straight line to 0 at the end of the last epoch. Each epoch then changes the model less than
    the one before, and it matters little which of the last ones is kept. Exponential: by a factor per epoch
    (paper, section 3.3).

    Args:
        step: number of the step in the whole training, from 0.
        steps_per_epoch: number of steps per epoch.
        settings: peak rate ``lr``, reached at the end of the first epoch; ``lr_schedule``, ``lr_decay`` and
            ``epochs``.
    """
    epochs_done = (step + 1) / steps_per_epoch
    if epochs_done <= 1:
        return settings.lr * epochs_done
    if settings.lr_schedule == "linear":
        # The last step has the rate of half a step before the end, not 0.
        left = settings.epochs - epochs_done + 0.5 / steps_per_epoch
        return settings.lr * left / (settings.epochs - 1)
    return settings.lr * settings.lr_decay ** (epochs_done - 1)
