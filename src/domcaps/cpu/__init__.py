"""CPU models as data, and the arithmetic on them: what the ``<cpu>`` of a report says.

Everything here is a plain function over `EmulatorFacts` and what is known of the host; nothing
executes CPUID or looks at this machine.

In the signatures, `accelerator` is QEMU's name (``kvm``, ``hvf``, ``tcg``), `host` anything with
the `arch` and `cpu` of a `HostRecord`, `dialect` the `Dialect` of libvirt, `arch` the
architecture that the report is about (it may be ``i686`` for an emulator of x86_64), `machine` a
canonical machine type. Where an emulator has a question but was not asked, `Unanswered` comes up.

- `data` is the file of models and its form, `x86map` its x86 part ready for arithmetic.
- `x86` finds the named model that fits a CPU best, `hostmodel` what host-model stands for.
- `models` lists the models that a domain may name, `modes` tells which modes there are.
- `expansion` asks the emulator what a model is made of.
"""

from domcaps.cpu.answers import CustomModel, Feature, HostModel
from domcaps.cpu.hostmodel import host_model
from domcaps.cpu.models import custom_models
from domcaps.cpu.modes import MODES, mode_supported

__all__ = [
    "MODES",
    "CustomModel",
    "Feature",
    "HostModel",
    "custom_models",
    "host_model",
    "mode_supported",
]
