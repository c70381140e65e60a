"""From a dataset's name to a folder: the network, a zip, the package index, or synthetic data."""
