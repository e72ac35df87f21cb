"""The form of the CPU data file, and reading it.

``models.json`` beside this module lists, for each architecture whose CPUs libvirt knows by name,
vendors, features and models. The facts are those of libvirt's CPU map (``cpu_map/`` of its data
folder); ``tools/compare_cpu_map.py`` compares the two and brings the file up to date.

`since` names the change of libvirt (`domcaps.language.changes`) by which it came to know a thing,
"" for everything that was there before the oldest dialect; `until` the one by which it went.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domcaps.language.change import named

if TYPE_CHECKING:
    from domcaps.language.dialect import Dialect

FORMAT = 1
PATH = Path(__file__).with_name("models.json")


class Named(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What every entry has: a name, and the changes by which it came and went."""

    name: str
    since: str = ""
    until: str = ""


class X86Vendor(Named, frozen=True, kw_only=True):
    """A vendor; `id` is the text that CPUID leaf 0 spells in EBX, EDX and ECX."""

    id: str


class X86Feature(Named, frozen=True, kw_only=True):
    """A feature: one bit of a word that CPUID or an MSR answers.

    `word` is ``cpuid LEAF SUBLEAF REGISTER`` or ``msr INDEX``, numbers in hexadecimal; an MSR has
    64 bits. Bits of MSRs are the processor's. The maps of libvirt 9.10 to at least 11.3 have those
    of ``vmx-*`` controls in the lower half; libvirt reads none of these registers, so that no
    answer depends on it. `migratable` is false for what a migration can't keep. `qemu` and `linux`
    are other spellings of the name in use there.
    """

    word: str
    bit: int
    migratable: bool = True
    qemu: tuple[str, ...] = ()
    linux: tuple[str, ...] = ()


class X86Model(Named, frozen=True, kw_only=True):
    """A model. Its features are those of the model `like`, with and without some.

    `signatures` are texts ``FAMILY/MODEL`` or ``FAMILY/MODEL/STEPPINGS``, numbers in decimal.
    `host` and `guest` tell for which definitions it may be picked when data are decoded.
    `version_of` makes it the numbered name of another model, alike in all that is not said here.
    `added` are features that libvirt learned of after it had the model; `removed` are features
    that the model once had. Both are not part of the model. `partial` is libvirt's way to check
    a partly specified definition, where it is not the usual one. `retired` is the change until
    which it could be picked for hosts and guests all the same.
    """

    vendor: str = ""
    signatures: tuple[str, ...] = ()
    host: bool = True
    guest: bool = True
    version_of: str = ""
    partial: str = ""
    like: str = ""
    with_: tuple[str, ...] = msgspec.field(name="with", default=())
    without: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retired: str = ""


class Moved(msgspec.Struct, frozen=True):
    """A register whose features stood behind those of another one, until a change.

    It is named as words are, of an MSR with ``eax`` or ``edx`` for the half.
    """

    register: str
    after: str
    until: str


class X86Data(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of x86, in the order in which libvirt goes through it.

    `removals` names the change by which models lost a feature, where it is not older than all
    dialects; `moved` is what stood elsewhere once.
    """

    vendors: tuple[X86Vendor, ...]
    features: tuple[X86Feature, ...]
    models: tuple[X86Model, ...]
    removals: dict[str, str] = {}
    moved: tuple[Moved, ...] = ()


class Ppc64Model(Named, frozen=True, kw_only=True):
    """A model; `pvr` are texts ``VALUE/MASK`` of the processor version register, hexadecimal."""

    vendor: str = ""
    pvr: tuple[str, ...]


class Ppc64Data(msgspec.Struct, frozen=True):
    """All of 64-bit POWER."""

    vendors: tuple[Named, ...]
    models: tuple[Ppc64Model, ...]


class ArmVendor(Named, frozen=True, kw_only=True):
    """A vendor; `id` is the implementer of MIDR_EL1, in hexadecimal."""

    id: str


class ArmModel(Named, frozen=True, kw_only=True):
    """A model; `part` is the part number of MIDR_EL1, in hexadecimal."""

    vendor: str = ""
    part: str


class ArmData(msgspec.Struct, frozen=True):
    """All of ARM. Its features have names only."""

    vendors: tuple[ArmVendor, ...]
    features: tuple[Named, ...]
    models: tuple[ArmModel, ...]


class CpuDataFile(msgspec.Struct, frozen=True):
    """The whole file; `libvirt` is the release with which it agrees."""

    format: int
    libvirt: str
    x86: X86Data
    ppc64: Ppc64Data
    arm: ArmData


@cache
def cpu_data() -> CpuDataFile:
    """Read the file that comes with the package, once."""
    return msgspec.json.decode(PATH.read_bytes(), type=CpuDataFile)


def known_in(entry: Named, dialect: Dialect) -> bool:
    """Tell whether an entry is part of a dialect."""
    return (not entry.since or dialect.has(named(entry.since))) and not (
        entry.until and dialect.has(named(entry.until))
    )
