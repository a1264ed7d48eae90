# What the room memgan.proposals offers to the others; everything else in it is its own.

from .facts import data_facts as data_facts
from .facts import machine_facts as machine_facts
from .proposed import MOST_TRIALS as MOST_TRIALS
from .proposed import DataFacts as DataFacts
from .proposed import MachineFacts as MachineFacts
from .proposed import Proposal as Proposal
from .proposed import few_steps as few_steps
from .proposed import propose as propose
from .sizes import shown as shown
