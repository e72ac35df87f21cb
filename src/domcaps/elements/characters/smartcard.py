"""``<smartcard>``: a smart card in a reader of the guest.

::

    <smartcard mode='host-certificates'>
      <certificate>cert1</certificate>
      <certificate>cert2</certificate>
      <certificate>cert3</certificate>
      <database>/etc/pki/nssdb/</database>
    </smartcard>
    <smartcard mode='passthrough' type='spicevmc'/>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.elements.characters.chardev import CharacterSource
from domcaps.language.attributes import number
from domcaps.language.changes.characters import SMARTCARD_ADDRESS_DEFINED
from domcaps.language.changes.devices import SMARTCARD_ONCE
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.require import needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import OneOf

EMULATED = device("ccid-card-emulated")
PASSED = device("ccid-card-passthru")

_CERTIFICATES = 3


class Smartcard(CharacterSource, Device):
    """A smart card."""

    path = "devices/smartcard"

    mode = field("@mode", OneOf(("host", "host-certificates", "passthrough")), required=True)

    @property
    def source_type(self) -> str:
        """The type of character device of one that is passed through, "" for the others."""
        return self.node.get("type", "") if self.mode == "passthrough" else ""

    @property
    def type_is_read(self) -> bool:
        """Whether there is a type that libvirt reads, if only one of no text."""
        return self.mode == "passthrough" and self.node.get("type") is not None


@rule(
    "smartcard-certificates-invalid",
    Smartcard,
    bad="<smartcard mode='host-certificates'><certificate>one</certificate></smartcard>",
    good="<smartcard mode='host-certificates'><certificate>1</certificate>"
    "<certificate>2</certificate><certificate>3</certificate></smartcard>",
)
def certificates_are_three(smartcard: Smartcard) -> Problems:
    """``<smartcard mode='host-certificates'>`` needs three ``<certificate>`` elements;
    ``<database>`` must be an absolute path.
    """
    if smartcard.mode != "host-certificates":
        return
    if len(smartcard.find_all("certificate")) != _CERTIFICATES:
        yield problem(
            f"mode='host-certificates' needs exactly {_CERTIFICATES} <certificate>; "
            "add or remove some",
            smartcard,
        )
    database = smartcard.find("database")
    if database is not None and not (database.text or "").startswith("/"):
        yield problem("<database> must be an absolute path", database)


@rule(
    "smartcard-type-missing",
    Smartcard,
    bad="<smartcard mode='passthrough'/>",
    good="<smartcard mode='passthrough' type='tcp'>"
    "<source mode='bind' host='127.0.0.1' service='2001'/></smartcard>",
)
def passthrough_has_a_type(smartcard: Smartcard) -> Problems:
    """``<smartcard mode='passthrough'>`` needs the attribute ``type`` of a character device, such
    as ``spicevmc``.
    """
    if smartcard.mode == "passthrough" and smartcard.node.get("type") is None:
        yield problem(
            "mode='passthrough' needs the attribute 'type', such as 'spicevmc' or 'tcp'",
            smartcard,
            "@type",
        )


@rule(
    "smartcard-address-unsupported",
    Smartcard,
    bad="<smartcard mode='host'><address type='usb'/></smartcard>",
    good="<smartcard mode='host'><address type='ccid' controller='0' slot='0'/></smartcard>",
    defined=SMARTCARD_ADDRESS_DEFINED,
)
def card_sits_in_the_first_slot(smartcard: Smartcard) -> Problems:
    """The ``<address>`` of ``<smartcard>`` must be of type ``ccid``, with ``controller='0'`` and
    ``slot='0'``.
    """
    if smartcard.address_type is None:
        return
    node = smartcard.find("address")
    if smartcard.address_type != "ccid":
        yield problem(
            "<smartcard> needs an <address> of type 'ccid'",
            smartcard,
            "address/@type",
            accepted=["ccid"],
        )
    elif number(node, "controller") or number(node, "slot"):
        yield problem(
            "the <address> of <smartcard> must be controller 0, slot 0", smartcard, "address"
        )


@rule(
    "smartcard-several",
    Smartcard,
    bad="<smartcard mode='host'/><smartcard mode='host'/>",
    good="<smartcard mode='host'/>",
    defined=SMARTCARD_ONCE,
)
def one_card(smartcard: Smartcard) -> Problems:
    """A domain may have at most one ``<smartcard>``."""
    if smartcard.domain.all(Smartcard)[0].node is not smartcard.node:
        yield problem("the domain has a second <smartcard>; remove one", smartcard)


@rule(
    "smartcard-mode-unsupported",
    Smartcard,
    bad=Sample("<smartcard mode='host'/>", arch="riscv32"),
    good="<smartcard mode='passthrough' type='spicevmc'/><graphics type='spice'/>",
)
def device_is_there(smartcard: Smartcard) -> Problems:
    """``<smartcard>`` requires a QEMU with ``ccid-card-emulated`` or ``ccid-card-passthru``."""
    if smartcard.mode == "passthrough":
        yield from needs(
            smartcard, PASSED, "this QEMU was built without ccid-card-passthru", "@mode"
        )
    elif smartcard.mode is not None:
        yield from needs(
            smartcard, EMULATED, "this QEMU was built without ccid-card-emulated", "@mode"
        )
