"""Named changes of libvirt: what came, went or was decided anew, since which release.

The table of them is `domcaps.language.changes`; it is the only place that names releases.
"""

from __future__ import annotations

import functools
import importlib

import msgspec

from domcaps.files import module_files

NEWS = "NEWS"
"""libvirt's own list of changes announces it for that release."""

DOCUMENT = "documentation"
"""libvirt's description of the format says since when."""

TREES = "source"
"""It is the first release, of those that were looked at, whose source has it."""


class LibvirtChange(msgspec.Struct, frozen=True, eq=False):
    """One thing that is so in libvirt since `release`, and was not before.

    `evidence` says what the release was read from. One that is not `certain` is an estimate: the
    change is certain, its release may be off by some. `what` describes it in words.
    """

    release: tuple[int, int]
    evidence: str
    what: str
    certain: bool = True
    _names: list[str] = msgspec.field(default_factory=list)

    @property
    def name(self) -> str:
        """The name that the table gives it."""
        if not self._names:
            changes()
        return self._names[0]

    @property
    def since(self) -> str:
        """The release in words, as libvirt writes it."""
        return f"{self.release[0]}.{self.release[1]}"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Pickle it by its name: there is one of each."""
        return named, (self.name,)


def change(release: str, evidence: str, what: str) -> LibvirtChange:
    """Make a change whose release is certain."""
    return LibvirtChange(_numbers(release), evidence, what)


def estimate(release: str, evidence: str, what: str) -> LibvirtChange:
    """Make a change that is certain, but whose release is estimated from what `evidence` says."""
    return LibvirtChange(_numbers(release), evidence, what, certain=False)


def _numbers(release: str) -> tuple[int, int]:
    major, minor = release.split(".")
    return int(major), int(minor)


@functools.cache
def changes() -> dict[str, tuple[str, LibvirtChange]]:
    """Give every change by its name, each with the area that it belongs to.

    The modules of `domcaps.language.changes` are read for it, once.
    """
    package = importlib.import_module("domcaps.language.changes")
    found: dict[str, tuple[str, LibvirtChange]] = {}
    for module_name, _ in module_files(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_name}")
        for name, value in vars(module).items():
            if isinstance(value, LibvirtChange):
                if name in found and found[name][1] is not value:
                    raise ValueError(f"two changes are named {name}")
                found[name] = (module_name, value)
                value._names[:] = [name]  # noqa: SLF001 - the table is where names are given
    return found


def named(name: str) -> LibvirtChange:
    """Give the change of a name, as data files write it; raises `KeyError` for others."""
    return changes()[name][1]
