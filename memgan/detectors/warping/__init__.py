"""The transformations that `memgan-plus` learns to name, and the head that names them."""
