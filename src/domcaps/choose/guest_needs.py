"""What a guest needs, as wishes: what can't be met is then refused with its reason."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domcaps.choose.catalogue import something
from domcaps.errors import DomcapsError, UnmetWishesError
from domcaps.facts.emulator import Unanswered
from domcaps.language.quantities import MIB, shown_size
from domcaps.report.explain import explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.choose.hosts import HostLike
    from domcaps.choose.wishes import Wishes
    from domcaps.language.preference import Guest

_KIB = 1024
_SMALL = "small"


@dataclass(frozen=True)
class Need:
    """One need, in the words of its wish, and what the report is asked of it."""

    text: str
    paths: tuple[str, ...] = ()


def add_needs(
    wishes: Wishes,
    guest: Guest,
    memory: str | None,
    vcpus: int | None,
) -> list[Need]:
    """Add wishes for what the guest requires and the caller left open; gives these needs.

    Raises `UnmetWishesError` where less memory or fewer CPUs are wanted than the guest runs with.
    """
    if not guest.name:
        return []
    _sizes(wishes, guest, memory, vcpus)
    said = {wish.name for wish in wishes.all}
    needs: list[Need] = []
    for needed, name, values, words, paths in _must_have(guest):
        if needed and name not in said:
            text = f"--os {guest.name}, which needs {words},"
            wishes.narrow(name, values, text)
            needs.append(Need(text, paths))
    return needs


def _must_have(
    guest: Guest,
) -> tuple[tuple[bool, str, tuple[str, ...], str, tuple[str, ...]], ...]:
    uefi = guest.firmware == frozenset({"efi"})
    tpm = ("tpm.backendVersion=2.0", "tpm.backendModel=emulator")
    return (
        (uefi, "os.firmware", ("efi",), "UEFI", ("os.firmware=efi",)),
        (guest.secure_boot, "os.secureBoot", ("yes",), "secure boot",
         ("os.loader.secure=yes", "os.firmware=efi")),
        (guest.tpm, "tpm.model", something("tpm.model"), "a TPM 2.0", tpm),
    )  # fmt: skip


def _sizes(wishes: Wishes, guest: Guest, memory: str | None, vcpus: int | None) -> None:
    least, good = guest.memory
    wanted = next((int(w.values[0]) for w in wishes.all if w.name == "memory"), None)
    if memory is not None and wanted is not None and least and wanted < least * _KIB:
        reason = f"{guest.name} needs at least {_size(least)} of memory"
        raise UnmetWishesError((f"--memory {memory}", f"--os {guest.name}"), (reason,))
    fewest, many = guest.vcpus
    if vcpus is not None and fewest and vcpus < fewest:
        reason = f"{guest.name} needs at least {fewest} virtual CPUs"
        raise UnmetWishesError((f"--vcpus {vcpus}", f"--os {guest.name}"), (reason,))
    size = max(least if guest.use == _SMALL else good, 0)
    if wanted is None and size * _KIB > _usual("memory"):
        words = f"--os {guest.name}, which needs {_size(size)} of memory,"
        wishes.narrow("memory", (str(size * _KIB),), words)
    if vcpus is None and max(fewest, many) > _usual("vcpus"):
        words = f"--os {guest.name}, which needs {max(fewest, many)} virtual CPUs,"
        wishes.narrow("vcpus", (str(max(fewest, many)),), words)


def _usual(name: str) -> int:
    """Give what a domain gets without a wish."""
    return int(something(name)[0])


def _size(mib: int) -> str:
    return shown_size(mib * MIB) if mib % _KIB == 0 else f"{mib} MiB"


def remedies(
    hosts: Sequence[HostLike], arch: str, libvirt: str, needs: Sequence[Need]
) -> tuple[str, ...]:
    """Say what on the hosts would let needs be met, such as a package to install."""
    found: dict[str, None] = {}
    machine = something("os.machine")[0] if arch in {"x86_64", "i686"} else None
    for host in hosts:
        with contextlib.suppress(DomcapsError, Unanswered):
            world = host.known_world(None, arch, machine, None, libvirt)
            for need in needs:
                for path in need.paths:
                    with contextlib.suppress(DomcapsError):
                        for explanation in explain(path, world):
                            how = [c.how for c in explanation.changes if c.how]
                            found |= dict.fromkeys(f"on the host: {text}" for text in how)
    return tuple(found)
