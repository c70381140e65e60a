"""The learning rate as a pure function of the step, so that resuming needs no scheduler state."""


def learning_rate(step: int, steps_per_epoch: int, peak: float, decay: float) -> float:
    """Linear warm-up through the first epoch, then exponential decay (paper, section 3.3).

    Args:
        step: 0-based, over the whole training.
        steps_per_epoch: steps of one epoch.
        peak: learning rate at the end of the first epoch.
        decay: factor an epoch from then on, applied smoothly step by step.
    """
    epochs_done = (step + 1) / steps_per_epoch
    return peak * epochs_done if epochs_done <= 1 else peak * decay ** (epochs_done - 1)
