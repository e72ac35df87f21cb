"""Which target a domain names: type, architecture, machine, emulator, by libvirt's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.facts.arch import serves
from domcaps.language.finding import Finding
from domcaps.language.node_path import path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element as Node

    from domcaps.language.world import World
    from domcaps.validate.document.parse import Source

# architectures that older definitions name otherwise
_ARCH_ALIASES = {"i386": "i686", "i486": "i686", "i586": "i686", "amd64": "x86_64"}


class TargetNotFound(Exception):  # noqa: N818 - carries the finding, not an error of its own
    """The domain names no target that the host has; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


def resolve_domain_target(
    source: Source, open_world: Callable[[str | None, str | None, str | None, str], World]
) -> World:
    """Give the world of the domain's target.

    `open_world` takes emulator, architecture, machine and type, and raises `DomcapsError` where
    there is no such target. Raises `TargetNotFound`.
    """
    root = source.root
    if root.tag != "domain":
        raise _not_found(source, root, "", "domain-missing", "the document is not a <domain>")
    virttype = root.get("type")
    if virttype is None:
        message = "the domain does not say its type"
        raise _not_found(source, root, "", "domain-type-missing", message)
    os_type = root.find("os/type")
    arch, machine = _named(root, "arch"), _named(root, "machine")
    binary = root.find("devices/emulator")
    emulator = None if binary is None else "".join(map(str, binary.itertext()))
    world = _open(source, open_world, (emulator, arch, machine, virttype))
    if emulator is not None:
        _look_at_arch(source, world, os_type if arch is None else binary, arch)
    return world


def _named(root: Node, attribute: str) -> str | None:
    """Give an attribute of the guest's type: libvirt takes it from where it stands first."""
    kinds = root.findall("os/type[1]")
    return next((kind.get(attribute) for kind in kinds if attribute in kind.attrib), None) or None


def _look_at_arch(source: Source, world: World, where: Node | None, arch: str | None) -> None:
    """Hold the emulator that is named to the architecture: the host's own where none is named."""
    wanted = _ARCH_ALIASES.get(arch or "", arch) or world.host.arch
    served = world.emulator.arch
    if not wanted or where is None or serves(served, wanted):
        return
    if arch is None:
        message = f"without an architecture this is a {wanted} guest, and the emulator has {served}"
        raise _not_found(source, where, "arch", "os-arch-missing", message)
    message = f"this emulator has {served} guests, not {wanted}"
    raise _not_found(source, where, "", "emulator-unsupported", message)


def _open(
    source: Source,
    open_world: Callable[[str | None, str | None, str | None, str], World],
    wanted: tuple[str | None, str | None, str | None, str],
) -> World:
    """Try, and when that fails find out which of the four is to blame."""
    from domcaps.errors import DomcapsError, UntrustedProgramError

    emulator, arch, machine, virttype = wanted
    arch = _ARCH_ALIASES.get(arch or "", arch)
    try:
        return open_world(emulator, arch, machine, virttype)
    except UntrustedProgramError as error:
        # what another emulator would say is of no use
        where = source.root.find("devices/emulator")
        node = source.root if where is None else where
        text = f"{error.message} ({error.remedy})" if error.remedy else error.message
        raise _not_found(source, node, "", "emulator-not-probed", text) from error
    except DomcapsError as error:
        where, attribute, code = _to_blame(source.root, open_world, (emulator, arch, virttype))
        text = f"{error.message} ({error.remedy})" if error.remedy else error.message
        raise _not_found(source, where, attribute, code, text) from error


def _to_blame(
    root: Node,
    open_world: Callable[[str | None, str | None, str | None, str], World],
    wanted: tuple[str | None, str | None, str],
) -> tuple[Node, str, str]:
    from domcaps.errors import DomcapsError

    emulator, arch, virttype = wanted
    os_type = root.find("os/type")
    binary = root.find("devices/emulator")

    def works(emulator: str | None, arch: str | None, machine: str | None, kind: str) -> bool:
        try:
            open_world(emulator, arch, machine, kind)
        except DomcapsError:
            return False
        return True

    if works(emulator, arch, None, virttype) and os_type is not None:
        return os_type, "machine", "os-machine-unsupported"
    if any(works(emulator, arch, None, kind) for kind in ("qemu", "kvm", "hvf")):
        return root, "type", "domain-type-unsupported"
    if binary is not None and (works(None, arch, None, virttype) or arch is None):
        return binary, "", "emulator-unsupported"
    if os_type is not None and arch is not None:
        return os_type, "arch", "os-arch-unsupported"
    return root, "type", "domain-type-unsupported"


def _not_found(
    source: Source, node: Node, attribute: str, code: str, message: str
) -> TargetNotFound:
    line, column = source.place(node, attribute)
    return TargetNotFound(
        Finding(code, message, path=path_of(node, attribute), line=line, column=column)
    )
