"""Tests; a package, so that helpers import as ``tests.planted`` whatever else is installed."""
