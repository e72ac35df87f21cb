"""What the ``<cpu>`` of a report is made of, as values."""

from __future__ import annotations

import msgspec


class Feature(msgspec.Struct, frozen=True):
    """A feature of a CPU definition; `policy` is ``require`` or ``disable``."""

    policy: str
    name: str


class HostModel(msgspec.Struct, frozen=True):
    """The CPU that ``<cpu mode='host-model'>`` stands for.

    `fallback` is ``forbid`` where the emulator itself told what it makes of the host's CPU, else
    ``allow``. `vendor` is "" for none. `maxphysaddr` is the limit in bits of ``<maxphysaddr
    mode='passthrough'>``, None where there is no such element. `features` are in the order of the
    report.
    """

    model: str
    fallback: str
    vendor: str = ""
    maxphysaddr: int | None = None
    features: tuple[Feature, ...] = ()


class CustomModel(msgspec.Struct, frozen=True):
    """A CPU model that a domain may name.

    `usable` is ``yes``, ``no`` or, where QEMU can't tell, ``unknown``. `vendor` is ``unknown``
    where the CPU map has none. `canonical` is the numbered name of the same model, "" for none.
    `blockers` are the features that keep an unusable model from running here.
    """

    name: str
    usable: str = "unknown"
    deprecated: bool = False
    vendor: str = "unknown"
    canonical: str = ""
    blockers: tuple[str, ...] = ()
