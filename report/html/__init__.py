"""A run as one HTML page: ``report`` puts it together, ``svg`` and ``film_map`` draw its pictures."""
