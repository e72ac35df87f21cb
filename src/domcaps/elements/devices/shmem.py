"""``<shmem>``: memory that the guest shares with others on the host.

::

    <shmem name='shared'>
      <model type='ivshmem-plain'/>
      <size unit='M'>4</size>
    </shmem>
    <shmem name='served'>
      <model type='ivshmem-doorbell'/>
      <server path='/tmp/server.sock'/>
      <msi vectors='32' ioeventfd='on'/>
    </shmem>
"""

from __future__ import annotations

from domcaps.elements.base.device import Device
from domcaps.language import Choice, Enum
from domcaps.language.changes.devices import SHMEM_SIZE_DEFINED
from domcaps.language.finding import Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.observed import device
from domcaps.language.part import field
from domcaps.language.predicate import NEVER
from domcaps.language.quantities import MIB, SIZE, UNIT, is_power_of_two, size_of
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import ON_OFF, Int, OneOf

PLAIN = "ivshmem-plain"
DOORBELL = "ivshmem-doorbell"
_OLD = "ivshmem"

MODEL = Enum(
    "model",
    attribute="model/@type",
    choices=(
        # what one without a model once was: libvirt no longer has it
        Choice(_OLD, NEVER),
        Choice(PLAIN, device(PLAIN)),
        Choice(DOORBELL, device(DOORBELL)),
    ),
)

_PLAIN = "<shmem name='shared'><model type='ivshmem-plain'/>{}</shmem>"
_SERVED = "<shmem name='s'><model type='ivshmem-doorbell'/>{}</shmem>"


class Shmem(Device):
    """A piece of shared memory."""

    path = "devices/shmem"

    name = field(
        "@name",
        required=True,
        expected="a name such as 'my_shmem', by which guests share the memory",
    )
    role = field("@role", OneOf(("master", "peer")))
    named = field("model/@type", choice=MODEL)
    size_number = field("size", SIZE)
    size_unit = field("size/@unit", UNIT, of="size")
    server = field("server/@path")
    vectors = field(
        "msi/@vectors",
        Int(0, 2**32 - 1, base=0),
        expected="a number of interrupt vectors, such as '32'",
    )
    ioeventfd = field("msi/@ioeventfd", ON_OFF)

    @cached_property
    def model(self) -> str:
        """The model, libvirt's old default where none is named."""
        return self.named or _OLD

    @cached_property
    def size(self) -> int | None:
        """The size in bytes, None where none is said."""
        return size_of(self.node, "size", "size/@unit", scale=1) or None


@rule(
    "shmem-model-missing",
    Shmem,
    bad="<shmem name='shared'/>",
    good=_PLAIN.format(""),
)
def model_is_named(shmem: Shmem) -> Problems:
    """``<shmem>`` needs a ``<model>``, such as ``<model type='ivshmem-plain'/>``."""
    if shmem.named is None:
        yield problem(
            "<shmem> needs a <model>: use <model type='ivshmem-plain'/>",
            shmem,
            "model/@type",
            accepted=[PLAIN, DOORBELL],
            fix=set_value(PLAIN, "model/@type") if shmem.find("model") is None else (),
        )


@rule(
    "shmem-name-unsupported",
    Shmem,
    bad="<shmem name='a/b'><model type='ivshmem-plain'/></shmem>",
    good=_PLAIN.format(""),
)
def name_is_a_file_name(shmem: Shmem) -> Problems:
    """Attribute ``name`` of ``<shmem>`` must be usable as the name of a file in /dev/shm."""
    if shmem.name in {".", ".."} or "/" in (shmem.name or ""):
        name = (shmem.name or "").strip("/").replace("/", "-")
        yield problem(
            "attribute 'name' of <shmem> must be a file name, without slashes",
            shmem,
            "@name",
            fix=set_value(name, "@name") if name.strip(".") else (),
        )


@rule(
    "shmem-size-unsupported",
    Shmem,
    bad=_PLAIN.format("<size unit='M'>3</size>"),
    good=_PLAIN.format("<size unit='M'>4</size>"),
    since=SHMEM_SIZE_DEFINED,
)
def size_is_a_power_of_two(shmem: Shmem) -> Problems:
    """``<size>`` of ``<shmem>`` must be a power of two of at least 1 MiB.

    A ``<shmem>`` with a ``<server>`` must not have a ``<size>``.
    """
    yield from _size(shmem)


@rule(
    "shmem-size-unsupported",
    Shmem,
    bad=_PLAIN.format("<size unit='M'>3</size>"),
    good=_PLAIN.format("<size unit='M'>4</size>"),
    stage=Stage.START,
    until=SHMEM_SIZE_DEFINED,
)
def size_is_a_power_of_two_at_start(shmem: Shmem) -> Problems:
    """``<size>`` of ``<shmem>`` must be a power of two, at least 1 MiB (reported at start)."""
    if shmem.model == DOORBELL:
        return
    yield from _size(shmem)


@rule(
    "shmem-doorbell-size-unsupported",
    Shmem,
    bad=_SERVED.format("<server path='/tmp/s'/><size unit='M'>4</size>"),
    good=_SERVED.format("<server path='/tmp/s'/>"),
    until=SHMEM_SIZE_DEFINED,
)
def size_is_of_the_server(shmem: Shmem) -> Problems:
    """``<shmem>`` of model ``ivshmem-doorbell`` cannot have a ``<size>``."""
    if shmem.model == DOORBELL:
        yield from _size(shmem)


def _size(shmem: Shmem) -> Problems:
    size = shmem.size
    if size is None:
        return
    if shmem.model == DOORBELL:
        yield problem("remove <size>: the server of <shmem> defines it", shmem, "size")
    elif size < MIB or not is_power_of_two(size):
        larger = max(MIB, 1 << (size - 1).bit_length()) // MIB
        fix = Fix(values=(("", str(larger)), ("@unit", "MiB")))
        yield problem(
            "<size> of <shmem> must be a power of two, at least 1 MiB", shmem, "size", fix=fix
        )


@rule(
    "shmem-server-unsupported",
    Shmem,
    bad=_SERVED.format(""),
    good=_SERVED.format("<server path='/tmp/s'/>"),
)
def doorbell_has_a_server(shmem: Shmem) -> Problems:
    """``<shmem>`` of model ``ivshmem-doorbell`` needs a ``<server>``; model ``ivshmem-plain``
    cannot have one.
    """
    has_server = shmem.has("server")
    if shmem.model == DOORBELL and not has_server:
        yield problem(
            "<shmem> of model 'ivshmem-doorbell' needs <server path='…'/>", shmem, "model/@type"
        )
    elif shmem.model == PLAIN and has_server:
        yield problem(
            "<shmem> of model 'ivshmem-plain' cannot have a <server>; remove it", shmem, "server"
        )


@rule(
    "shmem-msi-unsupported",
    Shmem,
    bad=_PLAIN.format("<msi vectors='32'/>"),
    good=_SERVED.format("<server path='/tmp/s'/><msi vectors='32'/>"),
)
def interrupts_need_a_server(shmem: Shmem) -> Problems:
    """``<msi>`` of ``<shmem>`` requires a ``<server>``."""
    if shmem.has("msi") and not shmem.has("server"):
        yield problem("<msi> requires <server path='…'/>", shmem, "msi")


@rule(
    "shmem-address-unsupported",
    Shmem,
    bad=_PLAIN.format("<address type='usb'/>"),
    good=_PLAIN.format("<address type='pci'/>"),
    stage=Stage.START,
)
def memory_sits_on_pci(shmem: Shmem) -> Problems:
    """The ``<address>`` of ``<shmem>`` must be of type ``pci``."""
    if shmem.address_type not in {None, "pci"}:
        yield problem(
            "<shmem> needs an <address> of type 'pci'", shmem, "address/@type", accepted=["pci"]
        )
