"""The learning rate: it depends on the step only, so a resumed training needs no scheduler state."""


def learning_rate(step: int, steps_per_epoch: int, peak: float, decay: float) -> float:
    """Linear warm-up in the first epoch, then exponential decay (paper, section 3.3).

    Args:
        step: number of the step in the whole training, from 0.
        steps_per_epoch: number of steps per epoch.
        peak: learning rate at the end of the first epoch.
        decay: factor per epoch after the first one; it is applied gradually, step by step.
    """
    epochs_done = (step + 1) / steps_per_epoch
    return peak * epochs_done if epochs_done <= 1 else peak * decay ** (epochs_done - 1)
