"""``<nvram>``: the memory in which a POWER server keeps its settings.

::

    <nvram>
      <address type='spapr-vio' reg='0x00003000'/>
    </nvram>

Not to be confused with ``<os><nvram>``, the variables of UEFI firmware.
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.boards.families import PSERIES
from domcaps.language.observed import device
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule

NVRAM = PSERIES & device("spapr-nvram")


class NvramDevice(Device):
    """Where a POWER server keeps its settings."""

    path = "devices/nvram"


@rule(
    "nvram-duplicate",
    NvramDevice,
    bad=Sample("<nvram/><nvram/>", arch="ppc64"),
    good=Sample("<nvram/>", arch="ppc64"),
)
def one_nvram(nvram: NvramDevice) -> Problems:
    """A domain may have at most one ``<nvram>`` device."""
    if nvram.domain.all(NvramDevice)[0].node is not nvram.node:
        yield problem("the domain has a second <nvram> device; remove one", nvram)


@rule(
    "nvram-unsupported",
    NvramDevice,
    bad="<nvram/>",
    good=Sample("<nvram/>", arch="ppc64"),
)
def nvram_needs_pseries(nvram: NvramDevice) -> Problems:
    """An ``<nvram>`` device requires a pseries machine type."""
    yield from needs(nvram, NVRAM, "the device <nvram> requires a pseries machine type; remove it")
