"""What is told to people about a host."""

from __future__ import annotations

import msgspec

from domcaps.facts.host import HostFacts
from domcaps.facts.record import (
    FirmwareDescriptor,
    Helper,
    HostCpu,
    HostRecord,
    Kvm,
    NumaCell,
    Presence,
)
from domcaps.report.hostinfo import HostRow, describe_host

FOLDER = "/usr/share/qemu/firmware"
GOOD = (
    '{"interface-types":["uefi"],"features":["secure-boot"],'
    '"targets":[{"architecture":"x86_64","machines":["*"]}],'
    '"mapping":{"device":"memory","filename":"/fw/a.fd"}}'
)
KERNEL = GOOD.replace('"memory"', '"kernel"')


def rows(record: HostRecord, *emulators: str) -> dict[str, HostRow]:
    sections = describe_host(HostFacts(record), emulators)
    return {row.name: row for section in sections for row in section.rows}


def test_every_no_has_a_reason() -> None:
    bare = HostRecord(
        "x86_64",
        kvm=Kvm(reason="/dev/kvm does not exist"),
        vfio=Presence(False, "no IOMMU"),
        iommufd=Presence(False, "/dev/iommu does not exist"),
        helpers=(Helper("swtpm", reason="not there"),),
        firmware=(FirmwareDescriptor(FOLDER, "bad.json", "{"),),
    )
    for record in (bare, msgspec.structs.replace(bare, kvm=Kvm(usable=True))):
        found = rows(record)
        refused = [row for row in found.values() if row.usable is False]
        assert {"vfio", "iommufd", "swtpm", "emulated TPM", f"{FOLDER}/bad.json"} <= set(found)
        assert all(row.reason for row in refused)


def test_what_is_there_is_shown() -> None:
    record = HostRecord(
        "x86_64",
        cpu=HostCpu(
            name="EPYC",
            sockets=2,
            cores=8,
            threads=2,
            cpuid_8000001f_ecx=509,
            cpuid_8000001f_edx=100,
        ),
        kvm=Kvm(usable=True, max_vcpus=1024, nested=True, secure_guest=True),
        helpers=tuple(
            Helper(name, f"/usr/bin/{name}", ("tpm-2.0",) if name == "swtpm_setup" else ())
            for name in ("swtpm", "swtpm_setup", "swtpm_ioctl")
        ),
        firmware=(
            FirmwareDescriptor(FOLDER, "a.json", GOOD),
            FirmwareDescriptor(FOLDER, "b.json", GOOD.replace("a.fd", "gone.fd")),
            FirmwareDescriptor(FOLDER, "c.json"),
            FirmwareDescriptor(FOLDER, "d.json", KERNEL),
        ),
        images=("/fw/a.fd",),
        numa=(NumaCell(0, 1024, (0, 1)),),
        hugepage_sizes_kib=(2048,),
        asserted={"os.loader": ("/x",)},
    )
    found = rows(record, "/usr/bin/qemu-system-x86_64")
    assert found["processor"].detail.startswith("EPYC, 2 × 8 × 2")
    assert found["kvm"].detail == "up to 1024 virtual CPUs"
    assert found["protected guests"].detail == "410 with SEV, 99 with SEV-ES"
    assert found["qemu-system-x86_64"].detail == "/usr/bin/qemu-system-x86_64"
    assert found[f"{FOLDER}/a.json"].usable
    assert "secure-boot" in found[f"{FOLDER}/a.json"].detail
    assert found[f"{FOLDER}/b.json"].reason == "missing: /fw/gone.fd"
    assert not found[f"{FOLDER}/c.json"].usable
    assert "'kernel'" in found[f"{FOLDER}/d.json"].reason
    assert found["emulated TPM"].detail == "2.0"
    assert found["NUMA cell 0"].detail == "1 MiB, 2 CPUs"
    assert found["huge pages"].detail == "2 MiB"
    assert found["asserted: os.loader"].detail == "/x"


def test_it_is_plain_data() -> None:
    sections = describe_host(HostFacts(HostRecord("s390x", kvm=Kvm(usable=True))))
    decoded = msgspec.json.decode(msgspec.json.encode(sections))
    assert [section["title"] for section in decoded][:2] == ["host", "emulators"]
