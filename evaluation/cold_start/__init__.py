"""Films held out whole, and how well a model places them afterwards."""
