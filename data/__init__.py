"""From a MovieLens release to graph, features, pairs and negatives."""
