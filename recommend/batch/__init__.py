"""Recommendations for all films or all users at once, as one file."""
