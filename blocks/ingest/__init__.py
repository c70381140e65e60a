"""From folders of ratings to the two directions of the graph on disk, with sorted runs in between."""
