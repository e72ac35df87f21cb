"""``<watchdog>``: a device that acts when the guest stops responding.

::

    <watchdog model='i6300esb' action='poweroff'/>

The Q35 board has an iTCO built in: where none is written, it is there all the same.
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.boards.defaults import WATCHDOG_ACTION
from domcaps.elements.boards.families import I440FX, Q35, S390
from domcaps.language import Choice, Enum
from domcaps.language.changes.devices import WATCHDOG_BOARDS, WATCHDOG_ITCO, WATCHDOGS_SEVERAL
from domcaps.language.conversion import OnBoard
from domcaps.language.finding import Stage
from domcaps.language.fix import Substitutes
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.require import libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import OneOf

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("i6300esb"),
        Choice("ib700"),
        Choice("diag288"),
        Choice("itco", since=WATCHDOG_ITCO),
    ),
)
ACTIONS = OneOf(("reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi"))

# the boards that the others are made for; an i6300esb is a PCI device like any other
CONVERSION = tuple(
    OnBoard(
        board, "devices/watchdog", {"@model": (model,)}, values=(("@model", "i6300esb"),),
        without=("address",), guest="the watchdog is an i6300esb", weight=10,
    )
    for board, model in (("q35", "ib700"), ("pc", "itco"))
)  # fmt: skip
"""The watchdog that every PC can have stands in for those of one board."""

SUBSTITUTES = Substitutes(
    "devices/watchdog/@model",
    # the first is on PCI, which nearly every board has; that of IBM Z needs no bus
    order={"*": ("i6300esb", "diag288", "itco", "ib700")},
)

_BOARDS = {"ib700": I440FX, "diag288": S390, "itco": Q35}


_I6300ESB = device("i6300esb")


class Watchdog(Device):
    """A watchdog."""

    path = "devices/watchdog"

    model = field("@model", choice=MODEL, required=True)
    action = field("@action", ACTIONS, default=WATCHDOG_ACTION)


@rule(
    "watchdog-model-unsupported",
    Watchdog,
    bad=Sample("<watchdog model='itco'/>", machine="pc"),
    good="<watchdog model='i6300esb'/>",
)
def model_fits_the_board(watchdog: Watchdog) -> Problems:
    """Attribute ``model`` of ``<watchdog>`` must suit the machine type, such as ``itco``
    for q35.
    """
    model = watchdog.model or ""
    if model == "ib700" and not libvirt_reads(watchdog, WATCHDOG_BOARDS):
        return
    if model in _BOARDS:
        yield from needs(
            watchdog,
            _BOARDS[model],
            f"<watchdog model={model!r}> is not supported by this machine type",
            "@model",
            accepted=["i6300esb"],
        )


@rule(
    "watchdog-address-unsupported",
    Watchdog,
    bad="<watchdog model='i6300esb'><address type='isa'/></watchdog>",
    good="<watchdog model='i6300esb'><address type='pci'/></watchdog>",
)
def only_pci_has_an_address(watchdog: Watchdog) -> Problems:
    """``<address>`` is only valid for ``<watchdog model='i6300esb'>``, and must be of type
    ``pci``.
    """
    if watchdog.model is None or watchdog.address_type is None:
        return
    if watchdog.model != "i6300esb":
        yield problem(
            f"<watchdog model={watchdog.model!r}> cannot have an <address>; remove it",
            watchdog,
            "address",
        )
    elif watchdog.address_type != "pci":
        yield problem(
            "<watchdog model='i6300esb'> needs an <address> of type 'pci'",
            watchdog,
            "address/@type",
            accepted=["pci"],
        )


@rule(
    "watchdog-model-duplicate",
    Watchdog,
    bad="<watchdog model='itco'/><watchdog model='itco'/>",
    good="<watchdog model='i6300esb'/><watchdog model='i6300esb'/>",
    since=WATCHDOG_BOARDS,
)
def parts_of_the_board_are_single(watchdog: Watchdog) -> Problems:
    """A domain may have only one ``<watchdog>`` of each model other than ``i6300esb``."""
    first = watchdog.domain.firsts(Watchdog, "model")[watchdog.model]
    if watchdog.model not in {None, "i6300esb"} and first.node is not watchdog.node:
        yield problem(
            f"the domain has two <watchdog> of model {watchdog.model!r}; remove one",
            watchdog,
            "@model",
        )


@rule(
    "watchdog-model-duplicate",
    Watchdog,
    bad="<watchdog model='i6300esb'/><watchdog model='i6300esb'/>",
    good="<watchdog model='i6300esb'/>",
    until=WATCHDOGS_SEVERAL,
)
def one_at_most(watchdog: Watchdog) -> Problems:
    """A domain may have at most one ``<watchdog>`` (older libvirt)."""
    if watchdog.domain.all(Watchdog)[0].node is not watchdog.node:
        yield problem("this libvirt version supports a single <watchdog>; remove one", watchdog)


@rule(
    "watchdog-action-conflict",
    Watchdog,
    bad="<watchdog model='i6300esb' action='pause'/><watchdog model='itco' action='reset'/>",
    good="<watchdog model='i6300esb' action='pause'/><watchdog model='itco' action='pause'/>",
    since=WATCHDOGS_SEVERAL,
)
def actions_agree(watchdog: Watchdog) -> Problems:
    """All ``<watchdog>`` devices must have the same ``action``."""
    first = watchdog.domain.all(Watchdog)[0]
    if watchdog.action != first.action:
        yield problem(
            "all <watchdog> devices must have the same action: the first one has "
            f"{first.action!r}; use that here, too",
            watchdog,
            "@action",
            accepted=[first.action or ""],
        )


@rule(
    "watchdog-model-fails-at-start",
    Watchdog,
    bad=Sample("<watchdog model='i6300esb'/>", arch="s390x"),
    good="<watchdog model='i6300esb'/>",
    stage=Stage.START,
)
def model_is_there(watchdog: Watchdog) -> Problems:
    """``<watchdog model='i6300esb'/>`` requires a QEMU that has this device."""
    if watchdog.model == "i6300esb":
        yield from needs(watchdog, _I6300ESB, "this QEMU has no watchdog 'i6300esb'", "@model")
