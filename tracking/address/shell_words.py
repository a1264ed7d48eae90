"""A command as it can be pasted into the user's shell; for this package's users and its own."""

from __future__ import annotations

from memgan.shell_words import quoted, shell_command

__all__ = ["quoted", "shell_command"]
