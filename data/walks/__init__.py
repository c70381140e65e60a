"""From a graph to neighbours: short random walks, and their kernel."""
