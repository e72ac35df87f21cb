"""A domain of any architecture is judged on any host: what it names never raises an error.

Where the host has no emulator for it, that is a finding, and the only one that is about QEMU.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import domcaps
from domcaps.facts.arch import ARCHITECTURES
from domcaps.facts.recording import load
from domcaps.fresh.answers import Local
from domcaps.fresh.build import Build
from domcaps.fresh.host_view import HostView
from domcaps.fresh.hostfacts import HostQuestion
from domcaps.fresh.machine import LocalMachine
from domcaps.fresh.probing import Probed
from domcaps.hosts.host import LiveHost
from fresh_fakes import PretendedFiles
from partial_hosts import complete, partial_of
from plain_hosts import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from domcaps.facts.record import EmulatorRecord

CAUSE = "os-arch-unsupported"
DOMAIN = """<domain type='{kind}'><name>a</name><memory>1048576</memory>
<os><type arch='{arch}'{machine}>hvm</type></os><devices>{devices}</devices></domain>"""
EMULATORS = (
    ("x86_64",), ("x86_64", "aarch64", "s390x"), ("aarch64",), ("aarch64", "s390x"),
)  # fmt: skip
"""The emulators of some hosts, whose own architecture is x86_64."""


def domain(arch: str, devices: str = "", machine: str = "", kind: str = "qemu") -> str:
    named = f" machine='{machine}'" if machine else ""
    return DOMAIN.format(kind=kind, arch=arch, machine=named, devices=devices)


@cache
def emulator(arch: str) -> EmulatorRecord:
    (found,) = load(plain(f"debian13-{arch}")).emulators
    return found


def recorded(archs: Iterable[str]) -> domcaps.Host:
    host = load(plain("debian13-x86_64"))
    return domcaps.Host.from_recording(
        msgspec.structs.replace(host, emulators=tuple(map(emulator, archs))), "some"
    )


def ask_recorded(path: str, kvm: bool, inventory: bool) -> Probed:
    """Answer in the place of an emulator that is started."""
    del kvm, inventory
    return Probed(emulator(path.rpartition("-")[2]), frozenset())


def live(root: Path, archs: Iterable[str]) -> LiveHost:
    """Give a host that looks at files, with programs for some architectures."""
    for arch in archs:
        program = root / f"usr/bin/qemu-system-{arch}"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(arch)
        program.chmod(0o755)
    build = Build(HostView(PretendedFiles(root), {"PATH": "/usr/local/bin:/usr/bin"}))
    return LiveHost(LocalMachine(build, Local(HostQuestion(privileged=False), False, ask_recorded)))


def codes(result: domcaps.Validation) -> list[str]:
    return [finding.code for finding in result.errors]


def verdicts(host: domcaps.Host, text: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Ask in every way; whatever is raised but the cause, as an error of the domain, fails."""
    yield "validate", codes(host.validate(text))
    (folder / "a.xml").write_text(text)
    yield "validate_folder", [code for one in host.validate_folder(folder).values()
                              for code in codes(one)]  # fmt: skip
    for for_domain in (False, True):
        options: dict[str, Any] = {} if for_domain else {"arch": host_arch(host)}
        found = domcaps.compare(host, host, text, for_domain=for_domain, **options).domain
        assert found is not None
        assert found.before == found.after
    repair = host.repair(text)
    yield "repair", [finding.code for finding, _advice in repair.left]
    converted = host.convert(text)
    yield "convert", [finding.code for finding, _advice in converted.repair.left]


def host_arch(host: domcaps.Host) -> str:
    return next(arch for arch in ("x86_64", "aarch64") if host.has_emulator(arch))


def require_cause(host: domcaps.Host, arch: str, folder: Path) -> None:
    text = domain(arch)
    for name, found in verdicts(host, text, folder):
        assert found == [CAUSE], (arch, name, found)
    for call in (host.explain_domain, host.native):
        with pytest.raises(domcaps.DomainError, match=f"no emulator for {arch} guests"):
            call(text)


@pytest.mark.parametrize("archs", EMULATORS[::3], ids=" ".join)
def test_an_emulator_that_is_missing_is_a_finding(archs: tuple[str, ...], tmp_path: Path) -> None:
    hosts = recorded(archs), live(tmp_path, archs)
    folder = tmp_path / "domains"
    folder.mkdir()
    for host in hosts:
        for arch in ARCHITECTURES:
            if not host.has_emulator(arch) and arch != "s390":  # s390x may be meant, which there is
                require_cause(host, arch, folder)


def test_on_a_host_of_which_only_libvirt_was_asked(tmp_path: Path) -> None:
    host = domcaps.Host.from_recording(partial_of(complete()), "part")
    for arch in ARCHITECTURES:
        if not host.has_emulator(arch):
            require_cause(host, arch, tmp_path)


@pytest.mark.parametrize("archs", EMULATORS, ids=" ".join)
def test_a_host_says_live_what_its_recording_says(archs: tuple[str, ...], tmp_path: Path) -> None:
    here, away = live(tmp_path, archs), recorded(archs)
    for arch in (*ARCHITECTURES, "nonsense", "arm64"):
        for devices in ("", "<video><model type='moon'/></video>"):
            text = domain(arch, devices)
            assert codes(here.validate(text)) == codes(away.validate(text)), (arch, devices)


def test_a_host_without_any_emulator_says_so(tmp_path: Path) -> None:
    host = live(tmp_path, ())
    with pytest.raises(domcaps.NoEmulatorError):
        host.validate(domain("sparc"))
    live(tmp_path, ("aarch64",))  # one is installed: what was answered does not hold any more
    assert codes(host.validate(domain("sparc"))) == [CAUSE]


def test_an_emulator_that_is_named_by_its_path_is_found_there(tmp_path: Path) -> None:
    host = live(tmp_path, ("s390x",))
    assert not host.has_emulator("x86_64")
    program = tmp_path / "usr/libexec/qemu-kvm"
    program.parent.mkdir()
    program.write_text("x86_64")
    program.chmod(0o755)
    assert host.default_emulator("x86_64") == "/usr/libexec/qemu-kvm"


DEVICES = (
    "<disk type='file'><source file='/a'/><target dev='hda' bus='ide'/></disk>",
    "<disk type='file'><source file='/a'/><target dev='sda' bus='scsi'/></disk>",
    "<disk type='file'><source file='/a'/><target dev='sda' bus='usb'/></disk>",
    "<disk type='file'><source file='/a'/><target dev='vda' bus='virtio'/></disk>",
    "<interface type='user'><model type='virtio'/></interface>",
    "<interface type='user'><model type='lance'/></interface>",
    "<graphics type='vnc'/><video><model type='vga'/></video>",
    "<controller type='usb'/><input type='tablet' bus='usb'/>",
    "<controller type='scsi' model='virtio-scsi'/>", "<controller type='ide'/>",
    "<controller type='pci' index='1' model='pcie-root-port'/>",
    "<serial type='pty'/>", "<console type='pty'/>", "<sound model='ich9'/>", "<panic/>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
    "<tpm model='tpm-tis'><backend type='emulator'/></tpm>", "<input type='keyboard' bus='ps2'/>",
    "<memballoon model='virtio'/>", "<watchdog model='i6300esb'/>",
    "<hostdev mode='subsystem' type='pci'><source><address bus='6'/></source></hostdev>",
    "<vsock model='virtio'><cid auto='yes'/></vsock>", "<nvram/>", "<parallel type='pty'/>",
    "<filesystem type='mount'><source dir='/a'/><target dir='b'/></filesystem>",
    "<channel type='unix'><target type='virtio' name='a'/></channel>",
)  # fmt: skip


@pytest.mark.parametrize("machine", ["", "SS-5"])
def test_no_device_is_judged_without_the_emulator(machine: str) -> None:
    # boards of which nothing is known; what is known of one such as pseries holds without QEMU
    known = {"aarch64", "armv6l", "armv7b", "armv7l", "i686", "loongarch64", "ppc64", "ppc64le",
             "riscv32", "riscv64", "s390", "s390x", "x86_64"}  # fmt: skip
    host = domcaps.Host.open("shipped:sid-x86_64")
    for arch in set(ARCHITECTURES) - known:
        for devices in (*DEVICES, DEVICES[0] + DEVICES[4]):
            found = codes(host.validate(domain(arch, devices, machine)))
            assert found == [CAUSE], (arch, devices)
