"""Why a firmware descriptor does not fit: said exactly where it does not."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

import domcaps
from domcaps.elements.boot.firmware import FirmwareWish, fits
from domcaps.elements.boot.firmware_packages import PACKAGED
from domcaps.elements.boot.firmware_reasons import unmet
from domcaps.facts.firmwarefile import Firmware, FirmwareFile, FirmwareMapping, FirmwareTarget
from domcaps.facts.host import HostFacts
from domcaps.facts.record import FirmwareDescriptor
from plain_hosts import open_plain

YES_NO = st.sampled_from(["", "yes", "no"])
FORMS = st.sampled_from(["", "raw", "qcow2", "vmdk"])
FILES = st.builds(FirmwareFile, st.sampled_from(["/a", "/b"]), FORMS)
MAPPINGS = st.builds(
    FirmwareMapping,
    st.sampled_from(["flash", "memory", "kernel", "igvm"]),
    FILES,
    st.sampled_from(["split", "combined", "stateless"]),
    st.none() | FILES,
    st.booleans(),
)
FEATURES = st.lists(st.sampled_from(["secure-boot", "requires-smm", "amd-sev", "acpi-s3"]))
FIRMWARES = st.builds(
    Firmware,
    st.just("/f.json"),
    st.sampled_from([("uefi",), ("bios",), ()]),
    MAPPINGS,
    st.just((FirmwareTarget("x86_64", ("pc-q35-*",)),)),
    FEATURES.map(tuple),
)
WISHES = st.builds(
    FirmwareWish,
    interface=st.sampled_from(["uefi", "bios", ""]),
    image=st.sampled_from(["", "/a"]),
    kind=st.sampled_from(["", "pflash", "rom"]),
    readonly=YES_NO,
    secure=YES_NO,
    stateless=YES_NO,
    format=FORMS,
    nvram=st.booleans(),
    template=st.sampled_from([None, "", "/a"]),
    template_format=FORMS,
    varstore=st.booleans(),
    kernel=st.sampled_from(["", "/b"]),
    smm=st.sampled_from(["", "on", "off"]),
    features=st.lists(st.tuples(st.sampled_from(["secure-boot", "x"]), YES_NO)).map(tuple),
    needs=st.sampled_from([(), ("amd-sev",)]),
    reworked=st.booleans(),
)


@settings(max_examples=600, deadline=None)
@given(firmware=FIRMWARES, wish=WISHES, machine=st.sampled_from(["pc-q35-9.9", "pc-i440fx-9.9"]))
def test_something_is_unmet_exactly_where_it_does_not_fit(
    firmware: Firmware, wish: FirmwareWish, machine: str
) -> None:
    does_fit = firmware.suits("x86_64", machine) and fits(firmware, wish)
    assert does_fit == (not list(unmet(firmware, wish, "x86_64", machine)))


SECURE = """<domain type='qemu'><name>n</name><memory>1024</memory><os firmware='efi'>
<type arch='x86_64' machine='{}'>hvm</type><firmware><feature name='secure-boot' enabled='yes'/>
<feature name='enrolled-keys' enabled='yes'/></firmware></os><features><acpi/></features>
</domain>"""


def host(*descriptors: FirmwareDescriptor) -> domcaps.Host:
    shipped = open_plain("sid-x86_64")
    record = msgspec.structs.replace(shipped.facts.record, firmware=descriptors)
    return domcaps.Host(HostFacts(record), shipped.emulators)


def descriptor(name: str, **changes: Any) -> FirmwareDescriptor:
    content: dict[str, Any] = {
        "interface-types": ["uefi"],
        "mapping": {
            "device": "flash",
            "executable": {"filename": "/a.fd", "format": "raw"},
            "nvram-template": {"filename": "/v.fd", "format": "raw"},
        },
        "targets": [{"architecture": "x86_64", "machines": ["pc-i440fx-*", "pc-q35-*"]}],
        "features": [],
    } | changes
    return FirmwareDescriptor("/usr/share/qemu/firmware", name, json.dumps(content))


def test_the_finding_names_each_descriptor_its_wish_and_a_package() -> None:
    plain = descriptor("60-plain.json")
    (found,) = host(plain).validate(SECURE.format("q35")).findings
    assert found.code == "os-firmware-unavailable"
    assert "60-plain.json: it lacks the feature secure-boot" in found.message
    assert "Debian's package ovmf" in found.message
    (none,) = host().validate(SECURE.format("q35")).findings[:1]
    assert "no firmware descriptor for x86_64" in none.message


def test_the_owner_of_a_loader_path_is_named() -> None:
    secure = descriptor("60-plain.json")
    xml = SECURE.format("q35").replace(
        "</os>", "<loader readonly='yes' type='pflash'>/a.fd</loader></os>"
    )
    found = host(secure).validate(xml).findings
    assert any("/a.fd" not in f.message and "image of /usr/share/qemu" in f.message for f in found)


def test_explain_lists_each_descriptor() -> None:
    plain = descriptor("60-plain.json")
    uses = host(plain).explain_domain(SECURE.format("q35")).uses
    (told,) = [u.explanation for u in uses if u.explanation.path == "os.firmware descriptor"]
    assert told.truth.value == "no"
    (reason,) = told.reason.because
    assert reason.statement == "/usr/share/qemu/firmware/60-plain.json fits"
    assert "enrolled-keys" in reason.source


def test_packages_are_of_known_architectures() -> None:
    assert {one.distribution for one in PACKAGED} == {"Debian", "Fedora"}
    assert len({(one.package, one.firmware.image) for one in PACKAGED}) >= 15
