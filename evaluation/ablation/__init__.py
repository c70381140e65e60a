"""The ablation: its variants as data, their figures in words, and their picture."""
