"""The same road over blocks, for data that are larger than one process: each block is a file of its own."""
