# What the room search.ray offers to the others; everything else in it is its own.

from .allotment import Allotment as Allotment
from .allotment import allot as allot
from .connection import check_address as check_address
from .connection import check_outlives_job as check_outlives_job
from .connection import connect as connect
from .connection import is_own as is_own
from .connection import standard_output_kept_clean as standard_output_kept_clean
from .dashboard import with_dashboard as with_dashboard
from .node_checks import node_faults as node_faults
from .node_checks import preflight as preflight
from .out_of_memory import hold_to_share_of_worker as hold_to_share_of_worker
from .out_of_memory import is_out_of_memory as is_out_of_memory
from .out_of_memory import judge_share as judge_share
from .out_of_memory import largest_node as largest_node
from .out_of_memory import resources_for as resources_for
from .out_of_memory import says_out_of_memory as says_out_of_memory
from .out_of_memory import share_of as share_of
from .task_queue import TaskQueue as TaskQueue
from .wanted_nodes import WantedNodes as WantedNodes
from .wanted_nodes import read_wanted as read_wanted
from .wanted_nodes import wait_for_nodes as wait_for_nodes
