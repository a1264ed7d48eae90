"""MEMGAN over features that a small network learned by naming quarter turns, and what it is of."""
