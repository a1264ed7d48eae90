"""docs/results.md and the printed tables, rendered from result cells."""
