"""Result cells: what each configuration gave by class and seed; trained where missing."""
