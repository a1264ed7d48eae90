# What the room tracking.outbox offers to the others; everything else in it is its own.

from .experiment import choose_experiment as choose_experiment
from .outbox import EXPERIMENT_ID as EXPERIMENT_ID
from .outbox import TRACKING_URI as TRACKING_URI
from .outbox import Outbox as Outbox
from .record import Record as Record
from .remainder import Remainder as Remainder
from .remainder import refusals as refusals
from .remainder import settle as settle
from .sync import find_outboxes as find_outboxes
from .sync import recorded_at as recorded_at
from .sync import sync_all as sync_all
from .sync import sync_one as sync_one
from .writer import WriterProcess as WriterProcess
from .writer import start_writer as start_writer
