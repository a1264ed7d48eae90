"""The record: what is written of a study, where, and how it is read back.

A driver tells a `Record` what happens; the events lie in an `Outbox` until the one writer
process (`start_writer`) has delivered them to the tracking store at `resolve`'s address.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
