"""A web page to try a trained model, and the JSON API behind it."""
