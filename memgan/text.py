"""Text made fit to print: from files, names and other programs; shares in percent; times."""

from __future__ import annotations

import re

# Control characters (a terminal obeys them), marks that turn the direction of writing (they show a
# name as another), and halves of characters (bytes of a file name that are no UTF-8).
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""`text` with every character that a terminal would obey or hide as an escape: `\x1b`."""
    return _UNFIT.sub(_escape, text)


def one_printable_line(text: str, length: int = 1000) -> str:
    """`text` on one line, its control characters visible, cut at `length` characters."""
    # Cut first: a line may hold the whole of a hostile file.
    line = visible(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length and len(text) <= 4 * length else f"{line[:length]}…"


def percent(value: float | None) -> str:
    """0.9876 as "98.8"; a dash where there is no figure."""
    return "–" if value is None else f"{100 * value:.1f}"


def mean_and_sd(mean: float | None, sd: float | None) -> str:
    """Fractions in percent, "90.0 ± 1.2"; only the mean where there is no spread."""
    return percent(mean) if sd is None else f"{percent(mean)} ± {percent(sd)}"


def one_or_two_lines(text: str) -> str:
    """`text` as an object shows itself in a notebook: at most 160 characters."""
    line = one_printable_line(text, 160)
    return line if line.endswith(")") else f"{line[:158]}…)"


def clock(seconds: float) -> str:
    """75.2 as "01:15"; hours stand in front where there are any."""
    hours, rest = divmod(int(seconds), 3600)
    minutes = f"{rest // 60:02d}:{rest % 60:02d}"
    return f"{hours}:{minutes}" if hours else minutes


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    if "\udc80" <= character <= "\udcff":  # How Python holds a byte that is no UTF-8.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def epochs(count: int) -> str:
    """So many epochs, in words: "1 epoch", "30 epochs"."""
    return "1 epoch" if count == 1 else f"{count} epochs"
