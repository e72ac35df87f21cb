"""What a guest notices when its domain changes, and how much it minds: advice for people."""

from __future__ import annotations

from domcaps.named_tuples import NamedTuple


class Minded(NamedTuple):
    """What is seen in the guest of a change at a path below the domain, from 0 to 100."""

    path: str
    weight: int
    text: str


CHIPSET = Minded(
    "", 90, "the chipset changes: Windows may ask for activation again, and finds its devices anew"
)
PCI_ADDRESSES = Minded(
    "", 70,
    "PCI addresses change: network interfaces may get other names (enp…), and settings that are "
    "bound to a name or a slot have to follow; MAC addresses stay",
)  # fmt: skip
BOOT_ENTRIES = Minded(
    "", 60, "boot entries that UEFI keeps name the old PCI addresses: check the boot order"
)

MINDED = (
    Minded("/domain/@type", 50, "the guest is emulated: it is many times slower"),
    Minded(
        "/domain/os/type/@machine", 60,
        "another version of the machine type: devices may look newer or older to the guest, and "
        "Windows may ask for activation",
    ),
    Minded("/domain/os", 65, "other firmware: check that the guest still boots"),
    Minded("/domain/cpu", 55, "the processor looks different: licences may be bound to it"),
    Minded("/domain/vcpu", 40, "another number of processors"),
    Minded("/domain/devices/disk", 80, "a disk is attached otherwise: its driver must be in the "
           "guest before it boots"),
    Minded("/domain/devices/interface", 70, "a network card is of another model: the guest needs "
           "its driver, and gives it a new name"),
    Minded("/domain/devices/video", 20, "the graphics card is of another model"),
    Minded("/domain/devices/sound", 15, "the sound card is of another model"),
    Minded("/domain/devices/controller", 30, "a controller is of another model"),
    Minded("/domain/devices/tpm", 60, "the TPM is another one: keys sealed by it are lost"),
    Minded("/domain/features", 25, "a feature of the machine changes"),
)  # fmt: skip
"""By path, the first that fits; what is not among them is not seen in the guest."""
