"""Choosing, as Python and the command line call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from domcaps._version import DEFAULT_DIALECT
from domcaps.choose import pins
from domcaps.choose.catalogue import check_value, something
from domcaps.choose.chooser import Chooser
from domcaps.choose.guest_needs import add_needs, remedies
from domcaps.choose.hosts import refusals, world_of
from domcaps.choose.hotplug import check_number, with_free_ports
from domcaps.choose.os_database import UNKNOWN, guest_of
from domcaps.choose.wishes import Wishes
from domcaps.elements.boards.families import family_of
from domcaps.elements.controllers.models import WITH_ROOT_PORTS
from domcaps.errors import RequestError, UnmetWishesError, WrongTypeError
from domcaps.facts.arch import ARCHITECTURES
from domcaps.language import check_dialect
from domcaps.similar import close_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Unpack

    from domcaps.choose.chosen import Chosen
    from domcaps.choose.hosts import HostLike
    from domcaps.language.preference import GraphicsType, GuestUse


# what other programs call them
_ALSO = {"arm": "armv7l", "arm64": "aarch64", "amd64": "x86_64", "i386": "i686"}


_LEAST_MEMORY = 2**20


class WishOptions(TypedDict, total=False):
    """What may be wanted of a domain, as the options of ``domcaps new`` say it."""

    os: str | None
    use: GuestUse | None
    arch: str | None
    machine: str | None
    virttype: str | None
    disks: Iterable[str]
    cdroms: Iterable[str]
    networks: Iterable[str]
    graphics: GraphicsType | None
    uefi: bool
    secure_boot: bool
    tpm: bool
    shares: Iterable[str]
    settings: Iterable[str] | Mapping[str, str]
    libvirt: str
    pinned: Mapping[str, str]
    hotplug: int


def wishes_of(name: str, memory: str | None, vcpus: int | None, options: WishOptions) -> Wishes:
    """Collect the wishes; raises `RequestError` for a wish that makes no sense."""
    wishes = Wishes(_name(name))
    _size(wishes, memory, vcpus)
    for key, decision, option in (
        ("arch", "arch", "--arch"),
        ("machine", "os.machine", "--machine"),
        ("virttype", "virttype", "--virttype"),
    ):
        value = options.get(key)
        if value:
            wishes.narrow(decision, (str(value),), f"{option} {value}")
    _items(wishes, options)
    _narrow(wishes, options)
    settings = options.get("settings") or ()
    if not isinstance(settings, (list, tuple)) and hasattr(settings, "items"):
        settings = [f"{path}={value}" for path, value in settings.items()]
    for setting in settings:
        wishes.setting(setting)
    return wishes


def _items(wishes: Wishes, options: WishOptions) -> None:
    for disk in options.get("disks") or ():
        wishes.disk(disk)
    for disc in options.get("cdroms") or ():
        wishes.cdrom(disc)
    networks = list(options.get("networks") or ())
    if "none" in networks and len(networks) > 1:
        raise RequestError("--network none goes with no other --network")
    for network in networks:
        wishes.network(network)
    if not networks:
        wishes.network("default", implied=True)
    for folder in options.get("shares") or ():
        wishes.share(folder)


def _size(wishes: Wishes, memory: str | None, vcpus: int | None) -> None:
    if memory is not None:
        wishes.memory(memory)
    if vcpus is not None:
        wishes.vcpus(vcpus)


def _narrow(wishes: Wishes, options: WishOptions) -> None:
    graphics = options.get("graphics")
    if graphics:
        value = "" if graphics == "none" else graphics
        wishes.narrow("graphics.type", (value,), f"--graphics {graphics}")
    if options.get("uefi"):
        wishes.narrow("os.firmware", ("efi",), "--uefi")
    if options.get("secure_boot"):
        wishes.narrow("os.secureBoot", ("yes",), "--secure-boot")
    if options.get("tpm"):
        wishes.narrow("tpm.model", something("tpm.model"), "--tpm")


def choose(
    hosts: Sequence[HostLike],
    host_arch: str,
    name: str = "guest",
    memory: str | int | None = None,
    vcpus: int | None = None,
    **options: Unpack[WishOptions],
) -> Chosen:
    """Choose a domain that every one of the hosts accepts; raises `UnmetWishesError`."""
    memory = _memory(memory)
    check_number(options.get("hotplug") or 0)
    wishes = wishes_of(name, memory, vcpus, options)
    arch = options.get("arch") or host_arch
    if arch not in ARCHITECTURES:
        near = close_matches(_ALSO.get(arch, arch), ARCHITECTURES, n=3)
        raise RequestError(
            f"{arch!r} is no architecture that libvirt knows",
            remedy=f"near it are {', '.join(near)}" if near else "aarch64 and x86_64 are",
        )
    for wish in wishes.all:
        check_value(wish)
    guest = guest_of(options.get("os"), options.get("use"), arch, portable=len(hosts) > 1)
    if guest.source.startswith(UNKNOWN):
        wishes.notes.append(f"{guest.source} is taken")
    libvirt = options.get("libvirt") or DEFAULT_DIALECT
    check_dialect(libvirt)
    needs = add_needs(wishes, guest, memory, vcpus)
    pins.add(wishes, options.get("pinned") or {})
    try:
        chosen = _with_pins(Chooser(hosts, wishes, guest, arch, libvirt))
    except UnmetWishesError as unmet:
        how = remedies(hosts, arch, libvirt, [n for n in needs if n.text in unmet.wishes])
        raise UnmetWishesError(unmet.wishes, (*unmet.reasons, *how)) from None
    _add_ports(chosen, hosts, libvirt, options.get("hotplug") or 0)
    return chosen


def _with_pins(chooser: Chooser) -> Chosen:
    """Choose, and give up the pinned values that is not available any more, which is noted."""
    wishes = chooser.wishes
    while True:
        try:
            return chooser.choose()
        except UnmetWishesError as unmet:
            gone = [
                w for w in wishes.all if w.text in unmet.wishes and w.text.startswith("the pin")
            ]
            if not gone:
                raise
            wishes.all = [wish for wish in wishes.all if wish not in gone]
            wishes.notes += [f"{wish.text} is not available here any more: another is taken"
                             for wish in gone]  # fmt: skip
            chooser = Chooser(chooser.hosts, wishes, chooser.guest, chooser.arch, chooser.libvirt)


def _add_ports(chosen: Chosen, hosts: Sequence[HostLike], libvirt: str, number: int) -> None:
    """Add free root ports; raises `UnmetWishesError` where the board has no place for them."""
    if not number:
        return
    data = chosen.xml.encode()
    data = with_free_ports(data, world_of(hosts[0], data, libvirt), number)
    reasons = [f.message for f in refusals(hosts, data, libvirt)]
    if family_of(chosen.target.machine)[0] not in WITH_ROOT_PORTS:
        reasons = [f"the machine type {chosen.target.machine!r} has no PCI Express"]
    if reasons:
        raise UnmetWishesError((f"--hotplug {number}",), tuple(dict.fromkeys(reasons)))
    chosen.xml = data.decode()


def _memory(memory: str | int | None) -> str | None:
    """Give a size as a text with its unit: an int counts bytes."""
    if isinstance(memory, int):
        if memory < _LEAST_MEMORY:
            raise WrongTypeError(
                f"memory={memory} counts bytes, and is less than 1 MiB",
                remedy=f"write '{memory}MiB', or a larger number of bytes",
            )
        return f"{-(-memory // 1024)}KiB"
    return memory


def _name(name: str) -> str:
    if not name.strip() or "/" in name or "\n" in name or not name.isprintable():
        raise RequestError(f"{name!r} is no name of a domain")
    return name
