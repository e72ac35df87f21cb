"""Which machine type stands in for one that this QEMU does not have.

A guest's devices stay most alike if the version is near: of ``pc-q35-4.2`` that is the next newer
one that this QEMU has, else the newest. Names of distributions, such as ``pc-q35-focal``, are
versions of QEMU's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.boards.families import family_of
from domcaps.language.spelling import nearest
from domcaps.patterns import late_pattern
from domcaps.similar import close_matches

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence

    from domcaps.facts.emulator import MachineType

    Version = tuple[int, ...]

OTHER_NAMES = {"xenfv": "pc", "i440fx": "pc", "440fx": "pc", "piix": "pc", "ich9": "q35"}
"""Names that people use for a board: those of its chipset, of Xen and of other programs."""

# No QEMU lists machine types of another distribution. Ubuntu names them after its releases and
# Red Hat after RHEL's: these are the versions of QEMU in those releases.
_UBUNTU = {
    "precise": (1, 0), "quantal": (1, 2), "raring": (1, 4), "saucy": (1, 5), "trusty": (2, 0),
    "utopic": (2, 1), "vivid": (2, 2), "wily": (2, 4), "xenial": (2, 5), "yakkety": (2, 6),
    "zesty": (2, 8), "artful": (2, 10), "bionic": (2, 11), "cosmic": (2, 12), "disco": (3, 1),
    "eoan": (4, 0), "focal": (4, 2), "groovy": (5, 0), "hirsute": (5, 2), "impish": (6, 0),
    "jammy": (6, 2), "kinetic": (7, 0), "lunar": (7, 2), "mantic": (8, 0), "noble": (8, 2),
    "oracular": (9, 0), "plucky": (9, 2), "questing": (10, 1),
}  # fmt: skip
_RHEL = (
    ((6, 0), (0, 12)), ((7, 0), (2, 0)), ((7, 1), (2, 1)), ((7, 2), (2, 3)), ((7, 3), (2, 6)),
    ((7, 4), (2, 9)), ((7, 5), (2, 10)), ((7, 6), (2, 12)), ((8, 0), (3, 1)), ((8, 1), (4, 1)),
    ((8, 2), (4, 2)), ((8, 3), (5, 1)), ((8, 4), (5, 2)), ((8, 5), (6, 0)), ((8, 6), (6, 2)),
    ((9, 0), (6, 2)), ((9, 2), (7, 2)), ((9, 4), (8, 2)), ((9, 6), (9, 1)), ((10, 0), (9, 1)),
)  # fmt: skip
_RELEASE = late_pattern(r"(?:^|-)(rhel|[a-z]{5,9})(\d{1,3}\.\d{1,3})?[^-]*")
_STEM = late_pattern(r"(.*?)\d+(?:\.\d+)+\S*")
_LONGEST = 100
_MOST_WORDS = 8


def nearest_machine(name: str, machines: tuple[MachineType, ...]) -> str:
    """Give a machine type that there is instead of one that there is not, "" where none is near.

    Of a version that is the nearest of the same board, the newer ones first, even if QEMU calls
    it deprecated: a guest minds a newer board more. Of other names it is an alias that they
    contain, or that a typo makes of a part of them: ``q35`` of ``pc-q53``.
    """
    if len(name) > _LONGEST:
        return ""
    names = [known.name for known in machines]
    aliases = list(dict.fromkeys(known.alias or known.name for known in machines))
    return (
        _nearest_version(name, names)
        or _respelt(name, names)
        or _by_other_name(name, aliases)
        or _by_a_word(name, aliases)
        or next(iter(close_matches(name, [*aliases, *names], n=1)), "")
    )


def _nearest_version(name: str, names: Sequence[str]) -> str:
    """Give the nearest version of a machine type's board, the next newer one first."""
    stem = _STEM.fullmatch(name)
    own = [one for one in names if stem is not None and _begins(one, stem[1])]
    if own:  # a distribution's own versions count by themselves
        found, wanted = [(family_of(one)[1], one) for one in own], family_of(name)[1]
    else:
        board, wanted = _board_of(name), version_of(name)
        found = [(version_of(one), one) for one in names if _board_of(one) == board]
    versions = sorted((version, one) for version, one in found if version)
    if not wanted or not versions:
        return ""
    return next((one for version, one in versions if version >= wanted), versions[-1][1])


def _begins(name: str, stem: str) -> bool:
    return name.startswith(stem) and name[len(stem) :][:1].isdigit()


def version_of(name: str) -> Version:
    """Give the version of QEMU's that a machine type is of, () where its name tells none."""
    release = _release_in(name)
    if release is None:
        return family_of(name)[1]
    word, number = release[1], release[2]
    if word in _UBUNTU:
        return _UBUNTU[word]
    since = tuple(map(int, number.split(".")))
    return max((qemu for rhel, qemu in _RHEL if rhel <= since), default=_RHEL[0][1])


def _board_of(name: str) -> str:
    """Give the board of a machine type: ``q35`` of ``pc-q35-focal``."""
    release = _release_in(name)
    plain = name if release is None else f"{name[: release.start()] or 'pc'}-0.0"
    board = family_of(plain)[0]
    return OTHER_NAMES.get(board, board)


def _release_in(name: str) -> re.Match[str] | None:
    """Find the release of a distribution that a machine type is named after."""
    for found in _RELEASE.finditer(name):
        if found[1] in _UBUNTU or (found[1] == "rhel" and found[2]):
            return found
    return None


def _by_other_name(name: str, aliases: Iterable[str]) -> str:
    meant = OTHER_NAMES.get(name.lower(), "")
    return meant if meant in set(aliases) else ""


def _by_a_word(name: str, aliases: Sequence[str]) -> str:
    """Give the alias that a part of a name is, or that a typo made of it.

    ``pc`` begins the names of two boards: what follows it says more.
    """
    exact = [alias for alias in aliases if f"-{alias}-" in f"-{name.lower()}-"]
    if any(alias != "pc" for alias in exact):
        return max(exact, key=len)
    boards = dict.fromkeys((*aliases, "i440fx"))
    for word in name.lower().split("-")[:_MOST_WORDS]:
        near = nearest(word, boards, 1, exact=True) if word not in boards else []
        meant = OTHER_NAMES.get(near[0], near[0]) if near else ""
        if meant in aliases:
            return meant
    return max(exact, key=len, default="")


def _respelt(name: str, names: Sequence[str]) -> str:
    """Give the nearest version where the name before the version is misspelt."""
    found = _STEM.fullmatch(name)
    if found is None:
        return ""
    stems = {stem[1]: None for one in names if (stem := _STEM.fullmatch(one)) is not None}
    near = nearest(found[1], stems, 1, exact=True)
    return _nearest_version(near[0] + name[len(found[1]) :], names) if near else ""
