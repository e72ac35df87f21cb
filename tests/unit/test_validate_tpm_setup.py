"""What an emulated TPM wants of swtpm_setup is held to the features that the program tells."""

from __future__ import annotations

import pytest

import domcaps
from domcaps.facts.helper_programs import NOT_ASKED, SILENT
from domcaps.facts.record import Helper, HostRecord, Recording
from fakes import emulator_record

CODE = "tpm-setup-unsupported"
ENCRYPTED = "<encryption secret='32ee7e76-2178-47a1-ab7b-269e6e348015'/>"
PROFILE = "<profile source='local:restricted'/>"
DOMAIN = (
    "<domain type='qemu'><name>a</name><memory>65536</memory><os><type>hvm</type></os><devices>"
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'>{}</backend></tpm>"
    "</devices></domain>"
)


def judged(
    inside: str, *features: str, reason: str = "", libvirt: str = "12.8"
) -> domcaps.Validation:
    """Validate a TPM on a host whose swtpm_setup has some features."""
    helpers = (
        Helper("swtpm", "/usr/bin/swtpm"),
        Helper("swtpm_setup", "/usr/bin/swtpm_setup", ("tpm-2.0", *features), reason=reason),
        Helper("swtpm_ioctl", "/usr/bin/swtpm_ioctl"),
    )
    record = Recording(HostRecord("x86_64", helpers=helpers), (emulator_record(),))
    return domcaps.Host.from_recording(record).validate(DOMAIN.format(inside), libvirt)


def refused(found: domcaps.Validation) -> list[str]:
    return [finding.path for finding in found.findings if finding.code == CODE]


@pytest.mark.parametrize(
    ("inside", "feature", "place"),
    [(PROFILE, "cmdarg-profile", "profile"), (ENCRYPTED, "cmdarg-pwdfile-fd", "encryption")],
)
def test_what_the_program_does_not_offer_fails_at_start(
    inside: str, feature: str, place: str
) -> None:
    assert refused(judged(inside)) == [f"/domain/devices/tpm/backend/{place}"]
    assert refused(judged(inside, feature)) == []


def test_a_silent_program_offers_nothing() -> None:
    """An old one does not know the question."""
    assert refused(judged(PROFILE, reason=f"{SILENT}it ended with status 1"))


def test_of_a_program_that_nobody_asked_it_is_unknown() -> None:
    found = judged(PROFILE, reason=NOT_ASKED)
    assert not refused(found)
    assert any("swtpm_setup supports <profile>" in doubt for doubt in found.unknown)


def test_libvirt_before_profiles_does_not_look_at_them() -> None:
    assert not refused(judged(PROFILE, libvirt="10.7"))
    assert refused(judged(ENCRYPTED, libvirt="10.7"))
