"""What data say about items besides title, genres and year, and the features made of it."""
