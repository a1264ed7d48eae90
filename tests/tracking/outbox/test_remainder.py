"""What a search says of its record at its end."""

from __future__ import annotations

from tracking.outbox.remainder import Remainder
from tracking.stores.denial import denied


def test_a_record_that_arrived_is_not_spoken_of() -> None:
    assert Remainder(waiting=0).lines("memgan sync digits") == []


def test_what_waits_is_counted_with_the_command_that_delivers_it() -> None:
    (line,) = Remainder(waiting=7, fault="nobody answers").lines("memgan sync digits")
    assert line == (
        "7 events wait for the tracking store (nobody answers); deliver them with:"
        " memgan sync digits"
    )


def test_what_is_refused_is_named_and_what_is_lost_is_counted() -> None:
    refused = tuple(f"s/trial/{n} tags_set: because" for n in range(12))
    lines = Remainder(waiting=0, refused=refused, lost=3).lines("memgan sync digits")
    assert lines[0] == "refused by the tracking store, and kept: s/trial/0 tags_set: because"
    assert lines[10] == "… and 2 more, named by: memgan sync digits"
    assert lines[11].startswith("3 events of the record are lost: ")


def test_an_outbox_that_cannot_be_read_is_said() -> None:
    (line,) = Remainder(waiting=-1, fault="outbox: disk I/O error").lines("memgan sync digits")
    assert line.startswith("the outbox cannot be read (outbox: disk I/O error)")


def test_what_a_server_denies_is_not_said_to_wait_and_what_would_help_is() -> None:
    for code, help_ in [
        ("UNAUTHENTICATED", "MLFLOW_TRACKING_TOKEN"),
        ("PERMISSION_DENIED", "ask for the right"),
        ("ENDPOINT_NOT_FOUND", "mend --tracking-uri"),
    ]:
        (line,) = Remainder(waiting=7, fault=str(denied(code, "403"))).lines("memgan sync digits")
        assert "wait for" not in line
        assert help_ in line
        assert line.endswith("; once it does, deliver them with: memgan sync digits")
    assert denied("TEMPORARILY_UNAVAILABLE", "503") is None
    assert denied(503, "503") is None
