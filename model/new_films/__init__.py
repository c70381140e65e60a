"""Films that training has not seen: with the graph, from the checkpoint alone, and with newer data."""
