"""Files that a guest is booted from: kernel, initial RAM disk, device tree, variables."""

from __future__ import annotations

from domcaps.elements.boot.os import Nvram, Os
from domcaps.language.host_files import DEVICE, host_file_rule, needs_file, needs_folder_of
from domcaps.language.rule import Problems, Sample

_KERNEL = "<os><type>hvm</type><kernel>/k</kernel></os>"
_NVRAM = (
    "<os><type machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/a</loader>"
    "<nvram template='/b'>{}/vars.fd</nvram></os><features><acpi/></features>"
)
_OWN_FOLDER = "/var/lib/libvirt/qemu/nvram/"
"""Libvirt makes this folder itself."""


@host_file_rule(
    "os-boot-file-missing",
    Os,
    bad=Sample(_KERNEL, lacking=("/k",)),
    good=Sample(_KERNEL, lacking=("/other",)),
)
def boot_files_are_there(system: Os) -> Problems:
    """The files in ``<kernel>``, ``<initrd>`` and ``<dtb>``, and ACPI tables, must exist
    on the host.
    """
    for tag, what in (("kernel", "kernel"), ("initrd", "initial RAM disk"), ("dtb", "device tree")):
        node = system.node.find(tag)
        if node is not None and (path := (node.text or "").strip()):
            yield from needs_file(system, path, what, tag, kinds=("file",))
    for table in system.find_all("acpi/table"):
        if path := (table.text or "").strip():
            yield from needs_file(system, path, "ACPI table", "acpi/table", kinds=("file",))


@host_file_rule(
    "os-nvram-file-missing",
    Nvram,
    bad=Sample(_NVRAM.format("/gone"), machine="q35", lacking=("/gone",)),
    good=Sample(_NVRAM.format("/there"), machine="q35", lacking=("/gone",)),
)
def place_of_variables_is_there(nvram: Nvram) -> Problems:
    """The folder of the file in ``<nvram>``, or the block device in it, must exist on the host."""
    source = nvram.find("source")
    if nvram.type == "block" and source is not None:
        if path := source.get("dev", ""):
            yield from needs_file(nvram, path, "block device", "source/@dev", kinds=DEVICE)
        return
    path = (source.get("file", "") if source is not None else "") or (nvram.image or "")
    if nvram.type != "network" and path.startswith("/") and not path.startswith(_OWN_FOLDER):
        yield from needs_folder_of(nvram, path, "file of variables", "source/@file")
