"""What holds for any firmware descriptor, well made or not."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domcaps.facts.firmware import FirmwareIndex
from domcaps.facts.firmwarefile import MalformedFirmware, glob_matches, parse_firmware
from domcaps.facts.host import HostFacts
from domcaps.facts.record import FirmwareDescriptor, HostRecord

JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
IMAGES = ("/a", "/b", "/c")
FILES = st.fixed_dictionaries(
    {"filename": st.sampled_from(IMAGES), "format": st.sampled_from(["raw", "qcow2"])}
)
MAPPINGS = st.fixed_dictionaries(
    {"device": st.sampled_from(["flash", "memory", "kernel", "igvm"])},
    optional={
        "filename": st.sampled_from(IMAGES) | JUNK,
        "executable": FILES | JUNK,
        "nvram-template": FILES | JUNK,
        "mode": st.sampled_from(["split", "combined", "stateless"]) | JUNK,
        "uefi-vars": st.just({"template": "/d"}) | JUNK,
    },
)
TARGETS = st.fixed_dictionaries(
    {
        "architecture": st.sampled_from(["x86_64", "i386", "aarch64"]),
        "machines": st.lists(st.sampled_from(["*", "pc-*", "pc-q35-*", "virt-*"]) | JUNK),
    }
)
FEATURES = ["secure-boot", "enrolled-keys", "requires-smm", "amd-sev", "unheard-of"]
DOCUMENTS = st.fixed_dictionaries(
    {
        "interface-types": st.lists(st.sampled_from(["bios", "uefi", "uboot"])) | JUNK,
        "mapping": MAPPINGS | JUNK,
        "targets": st.lists(TARGETS, max_size=3) | JUNK,
        "features": st.lists(st.sampled_from(FEATURES)) | JUNK,
    }
)
TEXTS = DOCUMENTS.map(json.dumps) | JUNK.map(json.dumps) | st.text(max_size=30)
DESCRIPTORS = st.lists(
    st.builds(
        FirmwareDescriptor,
        directory=st.sampled_from(["/home", "/etc", "/usr"]),
        name=st.sampled_from(["1", "2", "3", "10"]),
        text=TEXTS | st.just(""),
        failure=st.sampled_from(["", "", "", "broken"]),
        masks=st.booleans(),
    ),
    unique_by=lambda found: (found.directory, found.name),
    max_size=8,
).map(tuple)


@given(TEXTS)
def test_a_descriptor_is_parsed_or_refused(text: str) -> None:
    try:
        firmware = parse_firmware("/f", text)
    except MalformedFirmware as reason:
        assert str(reason)
        return
    assert msgspec.json.decode(msgspec.json.encode(firmware), type=type(firmware)) == firmware


@given(DESCRIPTORS, st.frozensets(st.sampled_from(IMAGES)))
def test_every_value_of_a_summary_has_its_cause(
    descriptors: tuple[FirmwareDescriptor, ...], images: frozenset[str]
) -> None:
    summary = FirmwareIndex(descriptors, images).summary("x86_64", "pc-q35-9.0")
    paths = {firmware.path for firmware in summary.firmwares}
    offers = (*summary.interfaces, *summary.secure_boot, *summary.enrolled_keys)
    for offer in offers:
        assert offer.descriptors
        assert paths.issuperset(offer.descriptors)
    assert paths.issuperset((*summary.secure_loader, *summary.varstore))
    assert images.issuperset(summary.loaders)
    assert len(set(summary.loaders)) == len(summary.loaders)
    # every descriptor that counts says yes or no to each feature
    for values in (summary.secure_boot, summary.enrolled_keys):
        assert {path for offer in values for path in offer.descriptors} == paths
    assert summary.uses_defaults is not bool(paths)


@given(DESCRIPTORS)
def test_every_file_is_used_invalid_or_hidden(
    descriptors: tuple[FirmwareDescriptor, ...],
) -> None:
    index = FirmwareIndex(descriptors, ())
    told = [found.path for found in index.firmwares]
    told += [found.path for found in index.invalid]
    told += index.masked
    assert sorted(told) == sorted(f"{found.directory}/{found.name}" for found in descriptors)


@given(DESCRIPTORS)
def test_nothing_depends_on_the_order_within_a_folder(
    descriptors: tuple[FirmwareDescriptor, ...],
) -> None:
    folders = sorted({found.directory for found in descriptors})
    ordered, turned = (
        tuple(
            found
            for folder in folders
            for found in sorted(
                (one for one in descriptors if one.directory == folder),
                key=lambda one: one.name,
                reverse=reverse,
            )
        )
        for reverse in (False, True)
    )
    target = ("x86_64", "pc-q35-9.0")
    assert FirmwareIndex(ordered, IMAGES).summary(*target) == FirmwareIndex(turned, IMAGES).summary(
        *target
    )


@given(DESCRIPTORS)
def test_a_recorded_host_answers_as_the_host_did(
    descriptors: tuple[FirmwareDescriptor, ...],
) -> None:
    host = HostRecord("x86_64", firmware=descriptors, images=IMAGES)
    again = HostFacts.from_json(msgspec.json.encode(host))
    target = ("x86_64", "pc-q35-9.0")
    assert again.firmware_for(*target) == HostFacts(host).firmware_for(*target)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_globs_match_as_regular_expressions_would(pattern: str, text: str) -> None:
    translated = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    assert glob_matches(pattern, text) is (re.fullmatch(translated, text) is not None)
