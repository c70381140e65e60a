"""New films: features, neighbours and embeddings of films that were not in training.

PinSage has no vector per film id. One function computes the embedding of every film from its features and
its neighbours (paper, section 3.2), so a trained model also embeds films that it was not trained on.

Words that all modules use:

- *known film*: a film that was in training.
- *new film*: a film that was not in training.
- *held-out film*: a film that the cold-start experiment removes from training and later treats as new.
- *shadow*: a known film as it is shown to the model in training to imitate a new one (``model/shadows.py``).
- *added film*: a new film that is stored beside the checkpoint (``--add``).
- *newer data*: a later version of the training data, with which training continues (``--extend``).

Modules:

- ``from_graph``: new films, with the training graph and their ratings.
- ``from_checkpoint``: new films, with nothing but the checkpoint and their ratings.
- ``newer_data``: the features of newer data for a trained model.
"""
