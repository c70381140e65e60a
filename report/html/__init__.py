"""A run as one HTML page: ``report`` puts it together, ``charts`` and ``film_map`` draw in SVG."""
