"""``<crypto>``: a cryptographic accelerator for the guest.

::

    <crypto model='virtio' type='qemu'>
      <backend model='builtin' queues='1'/>
    </crypto>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.base.device import Device
from domcaps.elements.base.virtio_options import VirtioOptions
from domcaps.elements.qemu.fragments import on_any_bus
from domcaps.language import Choice, Element, Enum
from domcaps.language.changes.devices import CRYPTO
from domcaps.language.finding import Stage
from domcaps.language.fix import set_value
from domcaps.language.observed import device, qom_type
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import UNSIGNED

if TYPE_CHECKING:
    from domcaps.language.qemu_args import QemuArgs


def _args(backend: str) -> tuple[QemuArgs, ...]:
    return on_any_bus(
        f"-object cryptodev-backend-{backend},id={{id}}k "
        "-device virtio-crypto-{bus},cryptodev={id}k"
    )


_BUILTIN = _args("builtin")

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(Choice("virtio", device("virtio-crypto-pci", "virtio-crypto-device")),),
    sample="<crypto model='{value}' type='qemu'><backend model='builtin'/></crypto>",
    qemu_args=_BUILTIN,
)

TYPE = Enum(
    "type",
    attribute="@type",
    choices=(Choice("qemu"),),
    sample="<crypto model='virtio' type='{value}'><backend model='builtin'/></crypto>",
    qemu_args=_BUILTIN,
)

BACKEND_MODEL = Enum(
    "backendModel",
    attribute="backend/@model",
    choices=(
        Choice("builtin", qemu_args=_BUILTIN),
        # the Linux kernel's cryptographic framework
        Choice("lkcf", qom_type("cryptodev-backend-lkcf"), qemu_args=_args("lkcf")),
    ),
    sample="<crypto model='virtio' type='qemu'><backend model='{value}'/></crypto>",
)

ELEMENT = Element("crypto", order=100, since=CRYPTO, content=(MODEL, TYPE, BACKEND_MODEL))


class Crypto(VirtioOptions, Device):
    """A cryptographic accelerator."""

    path = "devices/crypto"
    since = CRYPTO

    model = field("@model", choice=MODEL, required=True)
    type = field("@type", choice=TYPE, required=True)


class CryptoBackend(Part):
    """Who computes."""

    path = "devices/crypto/backend"
    since = CRYPTO

    model = field("@model", choice=BACKEND_MODEL, required=True)
    queues = field("@queues", UNSIGNED, expected="a number of queues, such as '1'")


@rule(
    "crypto-backend-count",
    Crypto,
    bad="<crypto model='virtio' type='qemu'/>",
    good="<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>",
)
def one_backend(crypto: Crypto) -> Problems:
    """``<crypto>`` needs exactly one ``<backend>``."""
    backends = crypto.find_all("backend")
    if len(backends) != 1:
        fix = () if backends else set_value("builtin", "backend/@model")
        place = backends[1] if backends else crypto
        yield problem("<crypto> needs exactly one <backend>", place, fix=fix)


_QUEUES = "<crypto model='virtio' type='qemu'><backend model='builtin' queues='{}'/></crypto>"


@rule(
    "crypto-backend-queues-fail-at-start",
    CryptoBackend,
    bad=_QUEUES.format(2),
    good=_QUEUES.format(1),
    stage=Stage.START,
)
def builtin_has_one_queue(backend: CryptoBackend) -> Problems:
    """Attribute ``queues`` of ``<backend model='builtin'>`` must be 1."""
    if backend.model == "builtin" and (backend.queues or 0) > 1:
        message = "the built-in backend of QEMU has one queue; use queues='1'"
        yield problem(message, backend, "@queues", accepted=("1",))
