"""Why a firmware descriptor does not fit a domain: each wish that it fails, in words.

`domcaps.elements.boot.firmware.fits` decides; this says why, and a test holds that a descriptor
fails at least one wish exactly where it does not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.remedies import newest_machines
from domcaps.elements.boot.firmware import ANY, FORMATS, wish_of
from domcaps.elements.boot.firmware_packages import PACKAGED
from domcaps.elements.boot.os import Os
from domcaps.language.rule import PartReason
from domcaps.language.truth import Reason, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.elements.boot.firmware import FirmwareWish
    from domcaps.facts.firmwarefile import Firmware, FirmwareMapping
    from domcaps.language.domain import Domain
    from domcaps.language.part import Part


_NO_SMM = "it is not protected by SMM, and the loader says secure='yes'"


def unmet(firmware: Firmware, wish: FirmwareWish, arch: str, machine: str) -> Iterator[str]:
    """Name each wish of a domain that a descriptor fails; nothing where it fits."""
    yield from _target(firmware, arch, machine)
    yield from _unmet_anywhere(firmware, wish)


def _unmet_anywhere(firmware: Firmware, wish: FirmwareWish) -> Iterator[str]:
    """Name each wish that a descriptor fails on any machine type."""
    if wish.interface not in {ANY, *firmware.interface_types}:
        offered = ", ".join(firmware.interface_types) or "no interface"
        yield f"it is {offered} firmware, not {wish.interface or 'of an interface type'}"
    yield from _features(firmware, wish)
    yield from _mapping(firmware.mapping, wish)


def _target(firmware: Firmware, arch: str, machine: str) -> Iterator[str]:
    if firmware.suits(arch, machine):
        return
    globs = [glob for target in firmware.targets if target.arch == arch for glob in target.machines]
    if globs:
        yield f"it is for the machine types {', '.join(globs)}, not {machine}"
    else:
        archs = ", ".join(target.arch for target in firmware.targets) or "no architecture"
        yield f"it is for {archs}, not {arch}"


def _features(firmware: Firmware, wish: FirmwareWish) -> Iterator[str]:
    for name in wish.needs:
        if not firmware.has(name):
            yield f"it lacks the feature {name}"
    for name, enabled in wish.features:
        if enabled in {"yes", "no"} and firmware.has(name) != (enabled == "yes"):
            verb = "lacks" if enabled == "yes" else "has"
            yield f"it {verb} the feature {name}, and the domain says enabled='{enabled}'"
    if not firmware.has("requires-smm"):
        if wish.secure == "yes":
            yield _NO_SMM
        return
    if wish.smm == "off":
        yield "it requires SMM, and the domain says <smm state='off'/>"
    if wish.secure == "no":
        yield "it requires SMM, and the loader says secure='no'"


def _mapping(mapping: FirmwareMapping, wish: FirmwareWish) -> Iterator[str]:
    if mapping.device == "flash":
        yield from _flash(mapping, wish)
    elif mapping.device == "memory":
        yield from _memory(mapping, wish)
    elif mapping.device != "kernel" or wish.reworked:
        yield f"it is started as {mapping.device}, not from flash or memory"
    elif wish.kernel not in {"", mapping.executable.filename}:
        yield f"its image is {mapping.executable.filename}, not the <kernel> {wish.kernel}"


def _image(mapping: FirmwareMapping, wish: FirmwareWish) -> Iterator[str]:
    if wish.image not in {"", mapping.executable.filename}:
        yield f"its image is {mapping.executable.filename}, not {wish.image}"
    if wish.readonly == "no":
        yield "its image is read-only, and the loader says readonly='no'"


def _flash(mapping: FirmwareMapping, wish: FirmwareWish) -> Iterator[str]:
    yield from _image(mapping, wish)
    if wish.kind not in {"", "pflash"}:
        yield f"its image is for type='pflash', not type='{wish.kind}'"
    wanted = "stateless" if wish.stateless == "yes" else "split"
    if mapping.mode != wanted:
        yield f"its flash mode is {mapping.mode}, not {wanted}"
    if wish.varstore:
        yield "it keeps variables in flash memory, and the domain has a <varstore>"
    image = mapping.executable.format
    if image not in FORMATS:
        yield f"its image has the format {image}, which libvirt does not use"
    elif wish.format not in {"", image}:
        yield f"its image has the format {image}, not {wish.format}"
    yield from _template(mapping, wish)


def _template(mapping: FirmwareMapping, wish: FirmwareWish) -> Iterator[str]:
    template = mapping.template
    if template is None:
        if wish.template:
            yield f"it has no template for variables, and the domain names {wish.template}"
        return
    if template.format not in FORMATS:
        yield f"its template has the format {template.format}, which libvirt does not use"
    elif wish.template_format not in {"", template.format}:
        yield f"its template has the format {template.format}, not {wish.template_format}"
    if wish.template not in {None, template.filename}:
        named = wish.template or "an empty path"
        yield f"its template for variables is {template.filename}, not {named}"


def _memory(mapping: FirmwareMapping, wish: FirmwareWish) -> Iterator[str]:
    yield from _image(mapping, wish)
    if wish.kind not in {"", "rom"}:
        yield f"its image is for type='rom', not type='{wish.kind}'"
    if wish.reworked and wish.nvram:
        yield "it has no variables in flash memory, and the domain has an <nvram>"
    if wish.reworked and wish.varstore and not mapping.uefi_vars:
        yield "it has no template for a <varstore>"


# -- what to say of a domain ---------------------------------------------------------------------


def explain_firmware(domain: Domain) -> Reason:
    """Explain which descriptor of the host a domain gets, or why none: one reason for each."""
    wish = wish_of(domain)
    every = domain.world.host.firmware.firmwares
    judged = [_judged(one, wish, domain) for one in every if _is_for(one, domain)]
    others = len(every) - len(judged)
    if others:
        statement = f"{others} other descriptors are for the architecture {domain.arch}"
        judged.append(Reason(Truth.NO, statement, "firmware descriptors"))
    judged += [
        Reason(Truth.NO, f"{one.path} fits", f"it can't be used: {one.reason}")
        for one in domain.world.host.firmware.invalid
    ]
    statement = "a firmware descriptor of this host fits what the domain asks for"
    found = any(reason.truth is Truth.YES for reason in judged)
    told = () if judged else (Reason(Truth.NO, "the host has firmware descriptors", "host"),)
    return Reason(Truth.of(found), statement, because=(*judged, *told))


def _judged(firmware: Firmware, wish: FirmwareWish, domain: Domain) -> Reason:
    wrong = tuple(unmet(firmware, wish, domain.arch, domain.machine))
    board = tuple(_of_board(firmware, domain)) if len(wrong) == 1 else ()
    return Reason(Truth.of(not wrong), f"{firmware.path} fits", "; ".join(wrong), board)


def _of_board(firmware: Firmware, domain: Domain) -> Iterator[Reason]:
    """Name the machine type where another one would do: a repair may change it."""
    globs = [glob for one in firmware.targets if one.arch == domain.arch for glob in one.machines]
    if globs and not firmware.suits(domain.arch, domain.machine):
        yield Reason(Truth.NO, f"the machine type is {' or '.join(globs)}", at="machine")


def _is_for(firmware: Firmware, domain: Domain) -> bool:
    return any(target.arch == domain.arch for target in firmware.targets)


def brief(domain: Domain) -> str:
    """Say what to write instead, else what the descriptors of the guest's architecture fail."""
    wish, arch, machine = wish_of(domain), domain.arch, domain.machine
    failed: dict[str, list[str]] = {}
    for firmware in domain.world.host.firmware.firmwares:
        if _is_for(firmware, domain):
            wrong = "; ".join(unmet(firmware, wish, arch, machine))
            failed.setdefault(wrong, []).append(firmware.path.rpartition("/")[2])
    if not failed:
        return f"The host has no firmware descriptor for {arch}"
    instead = next(_instead(domain), "")
    told = (f"{', '.join(names)}: {wrong}" for wrong, names in failed.items())
    return instead or " | ".join(told)


def _instead(domain: Domain) -> Iterator[str]:
    """Name the machine type, or the removal, by which a descriptor fits that fails that alone."""
    wish, arch = wish_of(domain), domain.arch
    descriptors = [one for one in domain.world.host.firmware.firmwares if _is_for(one, domain)]
    fitting = [one for one in descriptors if not any(_unmet_anywhere(one, wish))]
    for machine in newest_machines(domain.world) if fitting else ():
        if any(one.suits(arch, machine.name) for one in fitting):
            wanted = ", ".join(name for name, on in wish.features if on == "yes")
            why = f": firmware with {wanted} is for that machine type" if wanted else ""
            yield f"Use machine={machine.alias or machine.name!r}{why}"
            return
    if wish.secure == "yes" and any(
        tuple(unmet(one, wish, arch, domain.machine)) == (_NO_SMM,) for one in descriptors
    ):
        yield "Remove secure='yes' from <loader>: it requires System Management Mode (x86 only)"


def of_image(domain: Domain) -> str:
    """Name the descriptor of the loader's path, "" where the domain names none that has one."""
    image = wish_of(domain).image
    found = [one for one in domain.world.host.firmware.firmwares if image and one.image == image]
    return found[0].path if found else ""


def packages(domain: Domain) -> tuple[str, ...]:
    """Name the packages that bring a descriptor that fits, as far as they are known."""
    wish, arch, machine = wish_of(domain), domain.arch, domain.machine
    found = (
        f"{one.distribution}'s package {one.package}"
        for one in PACKAGED
        if not any(unmet(one.firmware, wish, arch, machine))
    )
    return tuple(dict.fromkeys(found))


def _of_domain(system: Part) -> Reason | None:
    """Explain where libvirt picks the firmware, or looks for the descriptor of a loader's path."""
    wish = wish_of(system.domain)
    return explain_firmware(system.domain) if wish.interface else None


IN_DOMAINS = PartReason("os.firmware descriptor", Os, _of_domain)
