"""The paper's tables and figures, rendered from what was recorded, beside what was printed."""
