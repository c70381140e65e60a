"""PinSage itself: aggregators, layers, losses and the trainer."""
