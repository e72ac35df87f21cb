"""How much a guest loses whose CPU lacks features that were asked for.

A feature that the guest's system does not run without counts most. Those that programs are built
for come next: the levels of the x86-64 psABI, and the instructions for encryption. Others, such as
those of the kernel alone, are noticed little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.cpu.x86map import X86Map

PROGRAMS = (
    "cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4.1", "sse4.2",
    "aes", "sha-ni",
    "avx", "avx2", "bmi1", "bmi2", "fma", "movbe", "xsave",
    "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl",
)  # fmt: skip
"""Features of x86-64-v2, of encryption, of x86-64-v3 and of x86-64-v4 by libvirt's names.

``abm``, ``f16c`` and ``pclmuldq`` are not among them: QEMU's Westmere and Haswell have these, and
libvirt's map does not say so.
"""

USUAL = PROGRAMS[:-5]
"""Those that every processor of today has, where nothing more is known of what was asked for."""

SPARED = 8
"""Up to so many missing features, leaving them out keeps more of a model than another model."""

_OF_PROGRAMS = 3
_NEEDED = 100
_NESTED = "vmx-"
"""How details of nested virtualization begin; no model of another kind should win by them."""


class Yardstick:
    """The measure for one guest, whose system needs some features by name."""

    def __init__(self, known: X86Map, needed: Iterable[str] = ()) -> None:
        """Look the features up."""
        self._ignored = known.bits_of(name for name in known.names if name.startswith(_NESTED))
        self._programs = known.bits_of(PROGRAMS)
        self._needed = known.bits_of(needed)

    def worth(self, features: int) -> int:
        """Give how much a set of features counts."""
        return (
            (features & ~self._ignored).bit_count()
            + _OF_PROGRAMS * (features & self._programs).bit_count()
            + _NEEDED * (features & self._needed).bit_count()
        )

    def lost(self, wanted: int, kept: int) -> int:
        """Give how much of the features wanted is not among those kept."""
        return self.worth(wanted & ~kept)

    def added(self, wanted: int, kept: int) -> int:
        """Count the features that nothing asked for."""
        return (kept & ~wanted & ~self._ignored).bit_count()
