"""Errors, arrays, files, processes and fast array operations: what every other room uses and no film."""
