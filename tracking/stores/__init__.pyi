# What the room tracking.stores offers to the others; everything else in it is its own.

from .denial import tells_of_denial as tells_of_denial
from .denial import without_experiment as without_experiment
from .fresh_store import FreshStore as FreshStore
from .mlflow_registry import MlflowRegistry as MlflowRegistry
from .mlflow_tracker import MlflowTracker as MlflowTracker
from .moved_store import follow_move as follow_move
from .opening import open_reader as open_reader
from .opening import open_tracker as open_tracker
from .reachable import knock as knock
from .tracker import MAX_METRICS as MAX_METRICS
from .tracker import MAX_PARAMS as MAX_PARAMS
from .tracker import MAX_TAGS as MAX_TAGS
from .tracker import Gone as Gone
from .tracker import ModelView as ModelView
from .tracker import Point as Point
from .tracker import RecordReader as RecordReader
from .tracker import Refused as Refused
from .tracker import RunView as RunView
from .tracker import Tracker as Tracker
from .tracker import Unavailable as Unavailable
