"""Small things that once went wrong without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domcaps.facts import discovery
from domcaps.facts.discovery import emulators_in_domains, installed_emulators
from domcaps.language.rule import Sample
from sample_hosts import host_for

if TYPE_CHECKING:
    from pathlib import Path

_DOMAIN = (
    "<domain type='qemu'><name>n</name><memory>65536</memory><os><type arch='x86_64' "
    "machine='q35'>hvm</type></os><devices><tpm><backend type='external'>{}</backend></tpm>"
    "</devices></domain>"
)


def test_a_link_that_names_another_target_is_an_emulator(tmp_path: Path) -> None:
    real = tmp_path / "qemu-system-ppc64"
    real.write_text("")
    real.chmod(0o755)
    for link in ("qemu-system-ppc64le", "other/qemu-system-ppc64"):
        (tmp_path / link).parent.mkdir(exist_ok=True)
        (tmp_path / link).symlink_to(real)
    found = [path for path in installed_emulators(f"{tmp_path}:{tmp_path}/other")
             if path.startswith(str(tmp_path))]  # fmt: skip
    assert found == [str(real), f"{real}le"]


def test_other_names_of_an_emulator_are_recorded_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, kvm = tmp_path / "qemu-system-x86_64", tmp_path / "kvm"
    real.write_text("")
    real.chmod(0o755)
    kvm.symlink_to(real)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(discovery, "ELSEWHERE", ())
    monkeypatch.setattr(discovery, "_WITHOUT_TARGET", (str(kvm), str(tmp_path / "qemu-kvm")))
    assert installed_emulators() == (str(real),)
    assert emulators_in_domains() == (str(kvm), str(real))


@pytest.mark.parametrize(
    ("source", "accepted"),
    [
        ("", False),
        ("<source/>", False),
        ("<source type='unix'/>", False),
        ("<source type='tcp'/>", False),
        ("<source type='unix' mode='bind' path='/a'/>", False),
        ("<source type='unix' path='/a'/>", True),
        ("<source type='unix' mode='connect' path=''/>", True),
    ],
)
def test_an_external_tpm_needs_a_socket(source: str, *, accepted: bool) -> None:
    host = host_for(Sample("<memory>1</memory>", machine="q35"), "sid")
    assert host is not None
    found = {f.code for f in host.validate(_DOMAIN.format(source)).errors}
    assert ("tpm-source-invalid" not in found) is accepted
