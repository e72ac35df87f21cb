"""What QEMU refuses when a guest starts, though libvirt defines it and reports say nothing of it.

These rules look at firmware, at what it keeps and needs, and at boards that are made after real
ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.drifts import SMM_IS_REFUSED
from domcaps.elements.boards.defaults import IMAGE_FORMAT, VCPUS
from domcaps.elements.boards.fixed import (
    AUDIO_WITHOUT_BACK_END,
    least_cpus,
    soldered_memory,
)
from domcaps.elements.boot.firmware import (
    chosen,
    chosen_without_smm,
    is_default_image,
    uses_smm,
    wish_of,
)
from domcaps.elements.boot.os import Loader, Nvram, Os, Varstore
from domcaps.facts.kvm import KVM_UNSEEN
from domcaps.language.changes.boot import (
    FIRMWARE_FEATURES_READ,
    FIRMWARE_PERSISTENT,
    FIRMWARE_REWORKED,
)
from domcaps.language.finding import Severity, Stage
from domcaps.language.fix import Fix, set_value
from domcaps.language.part import Part
from domcaps.language.quantities import KIB, kib, shown_size, size_of
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from domcaps.facts.firmwarefile import Firmware
    from domcaps.language.domain import Domain


class WholeDomain(Part):
    """The domain as a whole."""

    path = ""


_SMM = "<os><type>hvm</type></os><features><acpi/><smm state='{}'/></features>"


@rule(
    "features-smm-unavailable",
    WholeDomain,
    bad=Sample(_SMM.format("on"), machine="q35", virttype="kvm", lacking=("kvm.smm",)),
    good=Sample(_SMM.format("off"), machine="q35", virttype="kvm", lacking=("kvm.smm",)),
    stage=Stage.START,
)
def kvm_has_smm(domain: WholeDomain) -> Problems:
    """``<smm state='on'/>``, and firmware that needs SMM, require a KVM that supports SMM."""
    world = domain.domain.world
    if world.target.virttype == "kvm" and world.emulator.kvm_unseen and uses_smm(domain.domain):
        world.unknown.add(f"KVM supports System Management Mode ({KVM_UNSEEN})")
    if world.truth(SMM_IS_REFUSED) is not Truth.YES or not uses_smm(domain.domain):
        return
    if wish_of(domain.domain).smm == "on":
        at, what = "features/smm", "<smm> requests System Management Mode (SMM), which"
        fix: tuple[Fix, ...] = (set_value("off", "@state"),)
        way = _way_without_smm(domain.domain)
    else:
        at, what, way, fix = _firmware_with_smm(domain.domain)
        way += _OTHER_HOST
    message = f"{what} this host's KVM does not support; {way}"
    yield problem(message, domain, at, reason=SMM_IS_REFUSED.explain(world), fix=fix)


_OTHER_HOST = ", or use a host whose KVM does"


def _way_without_smm(domain: Domain) -> str:
    """Say what to do about ``<smm>``: secure boot that keeps its variables needs it."""
    off = "set <smm state='off'/>"
    system = domain.first(Os)
    if system is None or not system.firmware:
        return f"{off}{_OTHER_HOST}"
    found = chosen_without_smm(domain)
    asked = domain.root.find("os/firmware/feature[@name='secure-boot'][@enabled='yes']")
    if found is None or asked is None or not found.has("intel-tdx"):
        return f"{off}{_selected_then(found)}{_OTHER_HOST}"
    return (
        f"use a host whose KVM does; if the guest needs no secure boot, {off} and remove <feature "
        f"name='secure-boot'>. With {off.removeprefix('set ')} alone, libvirt selects "
        f"{found.image}{_purpose(found)}"
    )


def _selected_then(found: Firmware | None) -> str:
    """Say which firmware libvirt selects without SMM: it may be one for other purposes."""
    if found is None:
        return " and ask for no secure boot: without SMM, no firmware of this host has it"
    return f" (libvirt then selects {found.image}{_purpose(found)})"


def _purpose(found: Firmware) -> str:
    """Say of firmware for other guests what it is for, and what it lacks."""
    made_for = ", made for Intel TDX" if found.has("intel-tdx") else ""
    keeps = ", which does not keep UEFI variables" if found.mapping.template is None else ""
    return made_for + keeps


@rule(
    "os-firmware-of-tdx",
    Os,
    good="<os firmware='efi'/>",
    severity=Severity.WARNING,
)
def firmware_is_for_this_guest(system: Os) -> Problems:
    """The firmware that libvirt selects should not be made for Intel TDX unless the guest uses it.

    Such firmware has secure boot without SMM. It does not keep UEFI variables.
    """
    security = system.domain.root.find("launchSecurity")
    found = chosen(system.domain) if system.firmware else None
    if found is None or not found.has("intel-tdx") or security is not None:
        return
    yield problem(
        f"libvirt selects {found.image}{_purpose(found)}; if the guest needs no secure boot, "
        "remove <feature name='secure-boot'>; if it does, use a host whose KVM supports SMM",
        system,
    )


_WITHOUT_SECURE_BOOT = "<feature enabled='no' name='secure-boot'/>"


def _firmware_with_smm(domain: Domain) -> tuple[str, str, str, tuple[Fix, ...]]:
    """Give the place, the cause, the way out and its edit, where the firmware needs SMM."""
    found = chosen(domain)
    image = f"libvirt selects {found.image!r}, which" if found is not None else "the firmware"
    what = f"{image} requires System Management Mode (SMM), which"
    system = domain.first(Os)
    asked = [*domain.root.iterfind("os/firmware/feature[@name='secure-boot']")]
    if asked or wish_of(domain).secure == "yes" or system is None or not system.firmware:
        return "os", what, "set <os> to firmware without secure boot", ()
    if not domain.world.target.dialect.has(FIRMWARE_FEATURES_READ):
        return "os", what, "set <loader> to an image without secure boot", ()
    add = Fix(add=f"<os><firmware>{_WITHOUT_SECURE_BOOT}</firmware></os>")
    way = f"add <firmware>{_WITHOUT_SECURE_BOOT}</firmware> to <os>"
    return "os", what, way, (add,)


@rule(
    "vcpu-count-too-small",
    WholeDomain,
    bad=Sample("<vcpu>1</vcpu>", arch="aarch64", machine="raspi3b"),
    good=Sample("<vcpu>4</vcpu>", arch="aarch64", machine="raspi3b"),
    stage=Stage.START,
)
def fixed_board_has_its_cpus(domain: WholeDomain) -> Problems:
    """Machine types that model real hardware, such as ``raspi3b``, require their minimum number of
    vCPUs.
    """
    world = domain.domain.world
    least, vcpu = least_cpus(world), domain.node.find("vcpu")
    count = VCPUS if vcpu is None else vcpu.get("current", vcpu.text or VCPUS)
    if count.isdecimal() and int(count) < least:
        message = f"the machine type {world.target.machine!r} requires at least {least} vCPUs"
        yield problem(message, domain, "vcpu", accepted=[str(least)])


@rule(
    "memory-size-fixed",
    WholeDomain,
    bad=Sample("<memory>65536</memory>", arch="aarch64", machine="raspi3b"),
    good=Sample("<memory>1048576</memory>", arch="aarch64", machine="raspi3b"),
    stage=Stage.START,
)
def fixed_board_has_its_memory(domain: WholeDomain) -> Problems:
    """Machine types that model real hardware, such as ``raspi3b``, require their exact
    memory size.
    """
    world = domain.domain.world
    soldered, memory = soldered_memory(world), domain.node.find("memory")
    size = None if memory is None else size_of(memory)
    if soldered and size is not None and kib(size) != soldered:
        exact = shown_size(soldered * KIB)
        message = f"the machine type {world.target.machine!r} requires exactly {exact} of memory"
        fix = Fix(values=(("", str(soldered)), ("@unit", "KiB")))
        yield problem(message, domain, "memory", accepted=[exact], fix=fix)


@rule(
    "os-machine-audio-fails-at-start",
    WholeDomain,
    bad=Sample("<memballoon model='none'/>", arch="armv7l", machine="vexpress-a9"),
    good=Sample("<memballoon model='none'/>", arch="armv7l", machine="virt"),
    stage=Stage.START,
)
def fixed_audio_has_a_back_end(domain: WholeDomain) -> Problems:
    """A domain whose machine type has a built-in sound card does not start with QEMU 10 or later.

    Libvirt configures audio back ends, but does not connect the machine to one of them.
    """
    world = domain.domain.world
    if world.truth(AUDIO_WITHOUT_BACK_END) is Truth.YES:
        message = (
            f"the machine type {world.target.machine!r} has a built-in sound card that libvirt "
            "does not connect to an audio back end; QEMU fails (no default audio driver "
            "available); use machine='virt'"
        )
        yield problem(message, domain, "os/type/@machine")


_OWN_STORES = ("/var/lib/libvirt/", "/etc/libvirt/")
_FLASH = "<loader readonly='yes' type='pflash'>/a/code.fd</loader>"
_IN_MEMORY = "<loader type='rom'>/a/code.fd</loader>"
_MANUAL = "<os><type machine='q35'>hvm</type>{}</os><features><acpi/></features>"
_TEMPLATE = "<nvram template='/a/vars.fd'/>"
_SECURE_EFI = (
    "<os firmware='efi'><firmware><feature enabled='yes' name='secure-boot'/></firmware></os>"
)


def _may_be_there(domain: Domain, store: str) -> bool:
    """Tell whether a file of variables is there, or may have been made by its owner."""
    state = domain.world.file_state(store)
    if state is None and store.startswith("/") and not store.startswith(_OWN_STORES):
        # libvirt makes its own stores below these folders; one elsewhere was made by its owner
        domain.world.unknown.add(f"the file of UEFI variables {store} exists")
        return True
    return state is not None and state.exists


@rule(
    "os-nvram-template-missing",
    Loader,
    bad=Sample(_MANUAL.format(_FLASH), machine="q35"),
    good=Sample(_MANUAL.format(_FLASH + _TEMPLATE), machine="q35"),
    stage=Stage.START,
    live=True,
)
def variables_have_a_template(loader: Loader) -> Problems:
    """``<nvram>`` needs the attribute ``template`` if libvirt does not know the firmware image.

    Libvirt creates the variable store at the first start, from the template that a firmware
    descriptor names for the image. An existing store is used as it is.
    """
    nvram, domain = loader.domain.first(Nvram), loader.domain
    if loader.type != "pflash" or loader.readonly != "yes" or _is_automatic(loader):
        return
    keeps_none = loader.stateless == "yes" or (
        nvram is not None and nvram.type not in {None, "file"}
    )
    told = nvram is not None and bool(nvram.template)
    if keeps_none or told or is_default_image(wish_of(domain)) or chosen(domain) is not None:
        return
    store = (nvram and nvram.image) or "the file of variables"
    if _may_be_there(domain, store):
        return
    yield problem(
        f"libvirt knows no template for the UEFI variables of {loader.image!r}; set "
        f"<nvram template='…'>, or use <os firmware='efi'> (not needed if {store} exists already)",
        nvram or loader,
        fix=Fix(
            add=_SECURE_EFI if loader.secure == "yes" else "<os firmware='efi'/>",
            without=("/domain/os/loader",),
        ),
    )


@rule(
    "os-varstore-template-missing",
    Varstore,
    bad=Sample(_MANUAL.format(f"{_IN_MEMORY}<varstore/>"), machine="q35"),
    good=Sample(_MANUAL.format(_IN_MEMORY), machine="q35"),
    stage=Stage.START,
    live=True,
)
def stores_have_a_template(varstore: Varstore) -> Problems:
    """``<varstore>`` needs the attribute ``template`` if libvirt does not know the firmware image.

    An existing store is used as it is.
    """
    domain, loader = varstore.domain, varstore.domain.first(Loader)
    if loader is None or not loader.image or loader.type == "pflash" or _is_automatic(loader):
        return
    if loader.stateless == "yes" or varstore.template or chosen(domain) is not None:
        return
    store = varstore.image or "the file of variables"
    if libvirt_reads(varstore, FIRMWARE_REWORKED) and not _may_be_there(domain, store):
        yield problem(
            f"libvirt knows no template for the UEFI variables of {loader.image!r}; set "
            f"<varstore template='…'> (not needed if {store} exists already)",
            varstore,
        )


@rule(
    "os-nvram-template-format-conflict",
    Nvram,
    bad=Sample(
        _MANUAL.format(_FLASH + "<nvram template='/a/vars.fd' format='qcow2'/>"), machine="q35"
    ),
    good=Sample(
        _MANUAL.format(_FLASH + "<nvram template='/a/vars.fd' format='raw'/>"), machine="q35"
    ),
    stage=Stage.START,
)
def template_has_the_format(nvram: Nvram) -> Problems:
    """Attribute ``format`` of ``<nvram>`` must be the format of its template, which libvirt does
    not convert.
    """
    if nvram.format not in {"raw", "qcow2"}:
        return
    form = _template_format(nvram)
    if not form or form == nvram.format:
        return
    said = set_value(nvram.format, "@templateFormat")
    # libvirt takes a template for raw where nothing tells its format
    unsaid = _is_named_for(nvram) and libvirt_reads(nvram, FIRMWARE_PERSISTENT)
    use = f"templateFormat={nvram.format!r}" if unsaid else f"format={form!r}"
    yield problem(
        f"the template has the format {form!r}, but <nvram> has {nvram.format!r}; use {use}",
        nvram,
        "@format",
        accepted=[form or IMAGE_FORMAT],
        fix=said if unsaid else (),
    )


def _is_named_for(nvram: Nvram) -> bool:
    """Tell whether the template's name ends with the format of the variables."""
    unsaid = nvram.template_format not in {"raw", "qcow2"}
    return unsaid and (nvram.template or "").endswith(f".{nvram.format}")


def _template_format(nvram: Nvram) -> str | None:
    """Give the format of the template that is used, None where none is."""
    if _is_automatic(nvram):
        if not libvirt_reads(nvram, FIRMWARE_REWORKED):
            # the variable store gets the format of the firmware that is chosen, whatever is given
            return None
        found = chosen(nvram.domain)
        store = None if found is None else found.mapping.template
        return None if store is None else store.format
    if not nvram.template:
        return None
    is_known = nvram.template_format in {"raw", "qcow2"}
    return nvram.template_format if is_known else _format_of(nvram.template, nvram)


def _format_of(template: str, part: Part) -> str:
    """Give the format of a template that a descriptor of the host names; else raw, as usual."""
    target = part.domain.world.target
    known = part.domain.world.host.firmware_for(target.arch, target.machine).firmwares
    stores = (firmware.mapping.template for firmware in known)
    found = (s.format for s in stores if s is not None and s.filename == template and s.format)
    return next(found, IMAGE_FORMAT)


def _is_automatic(part: Part) -> bool:
    system = part.domain.first(Os)
    return system is not None and bool(system.firmware)
