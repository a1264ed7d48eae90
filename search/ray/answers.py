"""Whether a Ray answers at an address, asked so that the asking ends in time.

Ray itself tries for minutes, in code that no signal interrupts: at an address on which another
program listens, or which a Ray for only this machine gives as its own. So a process apart asks.
"""

from __future__ import annotations

import subprocess
import sys

from tracking.address import one_line

_SECONDS = 60.0
"""Seconds; on a busy machine all but one of them go by for importing Ray."""
_REFUSED = 3
_ASK = f"""
import sys
try:
    from ray._raylet import GcsClient
except ImportError:
    sys.exit(0)  # Another Ray, which has to be asked in another way.
try:
    GcsClient(address=sys.argv[1])
except Exception as error:
    print(error)
    sys.exit({_REFUSED})
"""


def why_silent(address: str, seconds: float = _SECONDS) -> str | None:
    """Why no Ray can be had at "host:port", in a line, or None where one answers."""
    try:
        asked = subprocess.run(
            [sys.executable, "-P", "-c", _ASK, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"what listens there does not answer as Ray does, within {seconds:.0f} s"
    if asked.returncode == _REFUSED:
        return one_line(RuntimeError(asked.stdout))
    return "what listens there is no Ray" if asked.returncode else None


def address_of_auto() -> str | None:
    """The "host:port" of the Ray that "auto" means, or None where Ray is left to find it.

    ConnectionError where there is none on this machine.
    """
    try:
        from ray._private.services import canonicalize_bootstrap_address
    except ImportError:
        return None
    found: str | None = canonicalize_bootstrap_address("auto")
    return found
