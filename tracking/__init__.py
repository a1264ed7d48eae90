"""The record: what is written of a study, where, and how it is read back.

A driver tells a `Record` what happens; the events lie in an `Outbox` until the one writer
process (`start_writer`) has delivered them to the tracking store at `resolve`'s address.
"""

from tracking.facts import StudyFacts
from tracking.location import Location, redact, resolve, ui_command
from tracking.outbox import Outbox
from tracking.record import Record
from tracking.remainder import Remainder, settle
from tracking.writer import WriterProcess, start_writer

__all__ = [
    "Location",
    "Outbox",
    "Record",
    "Remainder",
    "StudyFacts",
    "WriterProcess",
    "redact",
    "resolve",
    "settle",
    "start_writer",
    "ui_command",
]
