"""``--mode tune``: what is varied, the study that remembers every trial, and whether the best one helps."""
