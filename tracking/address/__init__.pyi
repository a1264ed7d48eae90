# What the room tracking.address offers to the others; everything else in it is its own.

from .advised_commands import begin_command as begin_command
from .advised_commands import resume_command as resume_command
from .advised_commands import search_command as search_command
from .advised_commands import serve_command as serve_command
from .advised_commands import study_command as study_command
from .advised_commands import sync_command as sync_command
from .advised_commands import ui_command as ui_command
from .location import Location as Location
from .location import resolve as resolve
from .redaction import has_secret as has_secret
from .redaction import one_line as one_line
from .redaction import redact as redact
from .results_place import DEFAULT_RESULTS as DEFAULT_RESULTS
from .results_place import as_address as as_address
from .results_place import is_address as is_address
from .results_place import local_folder as local_folder
from .runs_link import is_server as is_server
from .runs_link import runs_page as runs_page
from .runs_link import server_page as server_page
from .shell_words import quoted as quoted
from .shell_words import shell_command as shell_command
from .sqlite_uri import for_mlflow as for_mlflow
from .sqlite_uri import sqlite_address as sqlite_address
from .sqlite_uri import sqlite_file as sqlite_file
