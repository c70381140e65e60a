"""The PinSage model: aggregators, layers, heads, losses, training and checkpoints."""
