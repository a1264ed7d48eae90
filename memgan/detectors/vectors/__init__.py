"""Vectors in place of images: where they come from, and how detectors that train see them."""
