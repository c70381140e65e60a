"""From a graph to neighbours: short random walks, their kernel, and the same on a GPU."""
