"""Small devices, screens and character devices, beyond the samples of the rules."""

from __future__ import annotations

import pytest

from verdicts import Case, fine, wrong


def video(model: str, rest: str = "") -> str:
    return f"<video>{rest}<model {model}/></video>"


def emulated(inside: str, version: str = "2.0") -> str:
    backend = f"<backend type='emulator' version='{version}'>{inside}</backend>"
    return f"<tpm model='tpm-tis'>{backend}</tpm>"


def forwarding(said: str) -> str:
    return f"<channel type='pty'><target type='guestfwd' {said}/></channel>"


def shared_memory(model: str, inside: str) -> str:
    return f"<shmem name='s'><model type='{model}'/>{inside}</shmem>"


def label(**said: str) -> str:
    return f"<seclabel {' '.join(f'{k}={chr(39)}{v}{chr(39)}' for k, v in said.items())}/>"


CERTIFICATES = "".join(f"<certificate>{n}</certificate>" for n in range(3))
ISA = "<serial type='pty'><target type='isa-serial' port='{}'/>{}</serial>"
UNIX = (
    "<channel type='unix'><source mode='connect' path='{}'>"
    "<reconnect enabled='yes' timeout='1'/></source><target type='virtio'/></channel>"
)

SCREENS = [
    wrong("EDID is on or off", video("type='vga' edid='maybe'"), "video-edid-invalid"),
    fine("before 11.7 nobody read EDID", video("type='vga' edid='maybe'"), dialect="11.6"),
    wrong("only virtio was accelerated",
          "<video><model type='vga'><acceleration accel3d='yes'/></model></video>",
          "video-accel3d-unsupported", dialect="12.4"),
    fine("that goes unnoticed since 12.5",
         "<video><model type='vga'><acceleration accel3d='yes'/></model></video>"),
    fine("a named front end is accelerated or not", "<video><model type='virtio' "
         "device='virtio-gpu'><acceleration accel3d='yes'/></model></video>", arch="x86_64"),
    fine("a front end of another model is overlooked", video("type='vga' device='virtio-gpu'")),
    wrong("a front end outside of QEMU needs its driver",
          video("type='virtio' device='vhost-user-gpu'"), "video-device-unsupported"),
    wrong("a network that is listened on has a name",
          "<graphics type='vnc'><listen type='network'/></graphics>",
          "graphics-listen-attribute-unsupported"),
    wrong("what must not be secure has a plain port", "<graphics type='spice' autoport='no' "
          "tlsPort='5902'><channel name='main' mode='insecure'/></graphics>",
          "graphics-spice-channel-unsupported", "graphics-type-unsupported"),
    wrong("a password of RDP does not expire", "<graphics type='dbus'/><graphics type='rdp' "
          "username='u' passwd='p' passwdValidTo='2030-01-01T00:00:00'/>",
          "graphics-rdp-attribute-unsupported", "graphics-type-unsupported",
          "graphics-type-fails-at-start"),
]  # fmt: skip

SMALL = [
    wrong("settings of sound are fixed",
          "<audio id='1' type='none'><output><settings frequency='44100'/></output></audio>",
          "audio-settings-conflict"),
    wrong("a mouse of a board without PS/2",
          "<features><ps2 state='off'/></features><input type='mouse'/>",
          "features-ps2-in-use"),
    wrong("what is passed through is on virtio",
          "<input type='passthrough' bus='usb'><source evdev='/dev/input/event1'/></input>",
          "input-bus-unsupported"),
    wrong("events of the host are on no bus",
          "<input type='evdev' bus='usb'><source dev='/dev/input/event1'/></input>",
          "input-bus-unsupported"),
    wrong("input is not transitional",
          "<input type='mouse' bus='virtio' model='virtio-transitional'/>",
          "input-model-unsupported"),
    wrong("hyperv's panic has no address",
          "<panic model='hyperv'><address type='isa' iobase='0x505'/></panic>",
          "panic-address-unsupported"),
    wrong("a watchdog of the board has no address",
          "<watchdog model='itco'><address type='pci'/></watchdog>",
          "watchdog-address-unsupported", machine="q35"),
    wrong("a server knows the size", shared_memory(
        "ivshmem-doorbell", "<size unit='M'>4</size><server path='/s'/>"),
        "shmem-size-unsupported"),
    wrong("plain memory has no server", shared_memory("ivshmem-plain", "<server path='/s'/>"),
          "shmem-server-unsupported"),
    wrong("certificates are in a folder", "<smartcard mode='host-certificates'>" + CERTIFICATES
          + "<database>here</database></smartcard>", "smartcard-certificates-invalid"),
    wrong("a reader has one slot",
          "<smartcard mode='host'><address type='ccid' controller='0' slot='1'/></smartcard>",
          "smartcard-address-unsupported"),
    wrong("there is no such bank",
          emulated("<active_pcr_banks><md5/></active_pcr_banks>"), "tpm-emulator-invalid"),
    wrong("an old TPM has no profile", emulated("<profile source='local:p'/>", "1.2"),
          "tpm-banks-unsupported"),
    wrong("a name belongs to one device", "<sound model='ich9'><alias name='ua-a'/></sound>"
          "<watchdog model='i6300esb'><alias name='ua-a'/></watchdog>", "alias-duplicate"),
    fine("a console shares its name", "<serial type='pty'><alias name='ua-a'/></serial>"
         "<console type='pty'><alias name='ua-a'/></console>"),
    wrong("a disk on USB has no ROM", "<hostdev mode='subsystem' type='usb'><source>"
          "<vendor id='0x1234'/><product id='0x1234'/></source><rom bar='on'/>"
          "<address type='usb'/></hostdev>", "rom-unsupported"),
]  # fmt: skip

LABELS = [
    wrong("without a label there is nothing to put",
          label(type="none", model="dac", relabel="yes"), "seclabel-relabel-conflict"),
    wrong("a source has one label of a model", "<serial type='unix'><source mode='bind' path='/s'>"
          + "<seclabel model='dac' relabel='no'/>" * 2 + "</source></serial>",
          "chardev-seclabel-invalid"),
]  # fmt: skip

CHARACTERS = [
    wrong("a forward has an address", forwarding("port='4600'"), "channel-guestfwd-invalid"),
    wrong("an address has no blanks", forwarding("address=' 10.0.2.1' port='4600'"),
          "channel-guestfwd-invalid"),
    wrong("an address is one of IPv4", forwarding("address='fd00::1' port='4600'"),
          "channel-guestfwd-invalid"),
    wrong("a socket of libvirt's own folder listens",
          UNIX.format("/run/libvirt/qemu/channel/1-vm/x"), "chardev-reconnect-unsupported"),
    fine("a socket elsewhere does not", UNIX.format("/run/x")),
    wrong("a name of a port has no blanks", "<graphics type='spice'/>"
          "<channel type='spiceport'><source channel='a b'/><target type='virtio'/></channel>",
          "chardev-name-invalid", "graphics-type-unsupported"),
    wrong("a port of ISA is taken", ISA.format(1, "") * 2, "serial-isa-ports"),
    wrong("a port of ISA is not on PCI", ISA.format(1, "<address type='pci'/>"),
          "serial-address-unsupported"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*SCREENS, *SMALL, *LABELS, *CHARACTERS])
def test_what_is_found_of_small_devices(case: Case) -> None:
    assert case.found() == case.codes
