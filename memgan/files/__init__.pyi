# What the room memgan.files offers to the others; everything else in it is its own.

from .home import expanded as expanded
from .home import expanded_argument as expanded_argument
from .locks import try_lock as try_lock
from .locks import wait_for_lock as wait_for_lock
from .made_files import Made as Made
from .made_files import is_plain_file as is_plain_file
from .made_files import scratch_folder as scratch_folder
from .made_files import written_aside as written_aside
from .missing import does_not_exist as does_not_exist
from .missing import near_name as near_name
from .own_output import MAKER as MAKER
from .own_output import begins_with as begins_with
from .own_output import check_output as check_output
from .own_output import is_our_picture as is_our_picture
