"""Which rows there are: for each kind the places in a domain whose values are combined.

A kind names places; their values are those that the table has for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domcaps.elements.base.virtio_options import NAMES, VirtioOptions
from domcaps.elements.characters.serial import MODELS as PORTS
from domcaps.elements.controllers.models import MODELS, TYPE, VIRTIO_SCSI
from domcaps.elements.memory.memory_device import MODULE_SAMPLE
from domcaps.elements.network.interface import SUBSTITUTES as CARDS
from domcaps.language.node_path import without_positions
from domcaps.language.quantities import OrEmpty
from domcaps.language.value_types import OneOf
from domcaps.validate.alternatives import fields_by_path
from domcaps.validate.catalogue.rules import parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language import World
    from domcaps.language.part import Field

MACHINE = "machine"
"""The column of machine types, whose values are those of the emulator."""
UNSAID = ""
"""The value of a column where the domain leaves the attribute out."""


class RowColumn(NamedTuple):
    """One place in a domain: its name in a row, and its path below ``<domain>``.

    `values` are the table's own where a field does not have them. An `optional` one may be left
    out. With `fills` the domain has that text there instead of the value, for a value that is not
    `UNSAID`.
    """

    name: str
    path: str
    values: tuple[str, ...] = ()
    optional: bool = False


class RowKind(NamedTuple):
    """Rows of one kind. Each of `around` is what else a domain may need for it, as XML.

    `rows` are the values that the table combines, where not every combination is one.
    """

    name: str
    columns: tuple[RowColumn, ...]
    around: tuple[str, ...] = ("",)
    rows: tuple[tuple[str, ...], ...] = ()


def values_of(column: RowColumn, world: World) -> tuple[str, ...]:
    """Give the values that a column may have, for the release of libvirt."""
    if column.path == MACHINE:
        names = (one.name for one in world.emulator.machines(world.target.virttype))
        return tuple(dict.fromkeys(names))
    found = dict.fromkeys(column.values)
    for field in fields_by_path().get(f"/domain/{without_positions(column.path)}", ()):
        if not column.values:
            found |= dict.fromkeys(_values_of_field(field, world))
    return tuple(dict.fromkeys((UNSAID, *found) if column.optional else found))


def _values_of_field(field: Field[object], world: World) -> Iterator[str]:
    dialect = world.target.dialect
    if field.choice is not None:
        known = (c for c in field.choice.choices if dialect.has_between(c.since, c.until))
        yield from (choice.name for choice in known)
        return
    kind = field.kind.kind if isinstance(field.kind, OrEmpty) else field.kind
    if isinstance(kind, OneOf):
        for name in kind.names:
            since = kind.since.get(name)
            if name and (since is None or dialect.has(since)):
                yield name


_ACPI = "<features><acpi/></features>"
_DISK = "<disk type='file'><source file='/a'/><target dev='{}'/></disk>"
_DISKS = tuple(_DISK.format(dev) for dev in ("vda", "fda"))
_LUN = "<disk type='block'><source dev='/dev/a'/><target dev='sda'/></disk>"
_CARD = ("<interface type='user'/>", "<interface type='bridge'><source bridge='a'/></interface>")
_VIRTIO = {
    "devices/disk": "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
    "devices/interface": "<interface type='user'><model type='virtio'/></interface>",
    "devices/filesystem": "<filesystem><source dir='/a'/><target dir='a'/></filesystem>",
    "devices/input": "<input type='keyboard' bus='virtio'/>",
    "devices/memballoon": "<memballoon model='virtio'/>",
    "devices/rng": "<rng model='virtio'><backend model='random'/></rng>",
    "devices/video": "<video><model type='virtio'/></video>",
    "devices/vsock": "<vsock><cid auto='yes'/></vsock>",
    "devices/crypto": "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>",
    "devices/sound": "<sound model='virtio'/><audio id='1' type='none'/>",
    "devices/controller": f"<controller type='scsi' model='{VIRTIO_SCSI}'/>",
    "devices/iommu": "<iommu model='virtio'/>",
}
"""A virtio device of each kind, as it is without options."""


def virtio_devices() -> tuple[str, ...]:
    """Name the devices that can have the options of virtio, by the parts that declare them."""
    found = (p.path for p in parts() if issubclass(p, VirtioOptions) and p.path is not None)
    devices = (path for path in found if path.startswith("devices/") and path.count("/") == 1)
    return tuple(dict.fromkeys(devices))


def _virtio_kinds() -> Iterator[RowKind]:
    for path in virtio_devices():
        device = path.removeprefix("devices/")
        usual = _VIRTIO.get(path, "")
        options = tuple(RowColumn(name, f"{path}/driver/@{name}") for name in NAMES)
        rows = tuple(tuple("on" if one == name else UNSAID for one in NAMES) for name in NAMES)
        yield RowKind(f"virtio-{device}", options, (usual, usual + _ACPI), rows)


def _controllers() -> tuple[tuple[str, ...], ...]:
    """Give the types of controllers, each without a model and with each of its models."""
    types = dict.fromkeys(choice.name for choice in TYPE.choices)
    return tuple((one, model) for one in types for model in (UNSAID, *MODELS.get(one, ())))


def _serial_ports() -> tuple[tuple[str, ...], ...]:
    """Give the targets of serial ports in the same way."""
    types = dict.fromkeys(PORTS.values())
    alone = ((one, UNSAID) for one in types)
    return (*alone, *((kind, model) for model, kind in PORTS.items()))


def _kind(
    name: str, *columns: RowColumn, around: tuple[str, ...] = ("",),
    rows: tuple[tuple[str, ...], ...] = (),
) -> RowKind:  # fmt: skip
    return RowKind(name, columns, (*around, *(one + _ACPI for one in around)), rows)


def kinds() -> tuple[RowKind, ...]:
    """Give every kind of rows."""
    cards = tuple(dict.fromkeys(name for name in CARDS.order if name != "*"))
    return (
        _kind("sound", RowColumn("model", "devices/sound/@model"),
              around=("", "<audio id='1' type='none'/>")),
        _kind("input", RowColumn("type", "devices/input/@type"),
              RowColumn("bus", "devices/input/@bus", optional=True)),
        _kind("watchdog", RowColumn("model", "devices/watchdog/@model"),
              RowColumn("action", "devices/watchdog/@action", optional=True)),
        _kind("iommu", RowColumn("model", "devices/iommu/@model"),
              around=("", "<features><ioapic driver='qemu'/></features>")),
        _kind("vsock", RowColumn("model", "devices/vsock/@model", optional=True),
              around=("<vsock><cid auto='yes'/></vsock>",)),
        _kind("memballoon", RowColumn("model", "devices/memballoon/@model")),
        _kind("interface", RowColumn("model", "devices/interface/model/@type", cards),
              around=_CARD),
        _kind("controller", RowColumn("type", "devices/controller/@type"),
              RowColumn("model", "devices/controller/@model"), rows=_controllers()),
        _kind("serial", RowColumn("target", "devices/serial/target/@type"),
              RowColumn("model", "devices/serial/target/model/@name"),
              around=("<serial type='pty'/>",), rows=_serial_ports()),
        _kind("parallel", RowColumn("type", "devices/parallel/@type", ("pty",))),
        _kind("shmem", RowColumn("model", "devices/shmem/model/@type"),
              around=("<shmem name='s'/>", "<shmem name='s'><server path='/s'/></shmem>")),
        _kind("memory", RowColumn("model", "devices/memory/@model"), around=(MODULE_SAMPLE,)),
        *_virtio_kinds(),
        _kind("tpm", RowColumn("model", "devices/tpm/@model"),
              RowColumn("backend", "devices/tpm/backend/@type"),
              RowColumn("version", "devices/tpm/backend/@version", ("1.2", "2.0"), optional=True)),
        _kind("graphics-video", RowColumn("graphics", "devices/graphics/@type"),
              RowColumn("video", "devices/video/model/@type"),
              RowColumn("gl", "devices/video/model/acceleration/@accel3d", ("yes",), optional=True),
              around=("", "<graphics><gl enable='yes'/></graphics>",
                      "<graphics/><graphics type='egl-headless'/>")),
        RowKind("firmware", (
            RowColumn("machine", MACHINE), RowColumn("firmware", "os/@firmware", optional=True),
            RowColumn("secureBoot", "os/firmware/feature[@name='secure-boot']/@enabled",
                   ("yes", "no"), optional=True)),
                ("", _ACPI, "<features><acpi/><smm state='on'/></features>")),
        RowKind("disk", (
            RowColumn("bus", "devices/disk/target/@bus"),
            RowColumn("device", "devices/disk/@device"),
            RowColumn("format", "devices/disk/driver/@type", optional=True)), (*_DISKS, _LUN)),
    )  # fmt: skip
