# What the room memgan.machine offers to the others; everything else in it is its own.

from .precision import Arithmetic as Arithmetic
from .precision import computed_in as computed_in
from .runtime import gpu_memory_mb as gpu_memory_mb
from .runtime import hold_to_gpu_share as hold_to_gpu_share
from .runtime import machine as machine
from .runtime import may_have_gpu as may_have_gpu
from .runtime import own_version as own_version
from .runtime import peak_memory_mb as peak_memory_mb
from .runtime import prepare_process as prepare_process
from .runtime import reset_peak_memory as reset_peak_memory
from .runtime import resolve_device as resolve_device
from .runtime import versions as versions
from .runtime import with_own_version as with_own_version
from .share import MEMORY_PER_TRAINING as MEMORY_PER_TRAINING
from .share import MachineShare as MachineShare
from .share import machine_share as machine_share
from .share import trainings_at_once as trainings_at_once
from .share import usable_cores as usable_cores
