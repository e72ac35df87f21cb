"""What a report says in figures: enclaves, encrypted guests, enlightenments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.elements.features.hyperv import NEVER_NOTIFIES
from domcaps.facts.question import ask, cpu_expansion_of
from domcaps.facts.record import HostCpu, HostRecord
from domcaps.report.document import build
from domcaps.report.flat import flatten
from fakes import emulator_record, world

if TYPE_CHECKING:
    from domcaps.facts.question import QmpCommand

GIB = 1 << 30


def said(
    prefix: str,
    *types: str,
    answers: dict[QmpCommand, Any] | None = None,
    host: HostRecord | None = None,
    **target: str,
) -> dict[str, str]:
    """Give the statements of a report that begin so."""
    record = emulator_record(types=types, answers=answers, kvm=True)
    statements = flatten(build(world(record, host, **target)))
    return {path: value for path, value in statements.items() if path.startswith(prefix)}


def enclaves(**more: Any) -> dict[str, str]:
    answer = {"flc": False, "sgx1": True, "sgx2": False} | more
    return said("sgx", "sgx-epc", answers={ask("query-sgx-capabilities"): answer})


FLAGS = {"sgx": "yes", "sgx flc": "no", "sgx sgx1": "yes", "sgx sgx2": "no"}


def test_a_platform_without_enclaves() -> None:
    assert said("sgx", "sgx-epc") == {"sgx": "no"}


def test_enclaves_that_the_emulator_does_not_know() -> None:
    answers = {ask("query-sgx-capabilities"): {"flc": True, "sgx1": True, "sgx2": True}}
    assert said("sgx", answers=answers) == {"sgx": "no"}


def test_older_emulators_tell_the_memory_of_enclaves_as_a_whole() -> None:
    size = {"sgx section_size 2048": "unit=KiB"}
    assert enclaves(**{"section-size": 2 << 20}) == FLAGS | size


def test_newer_emulators_tell_it_by_node() -> None:
    found = enclaves(sections=[{"node": 0, "size": 2 * GIB}, {"node": 1, "size": GIB}])
    assert found.items() >= (FLAGS | {"sgx section_size 3145728": "unit=KiB"}).items()
    assert found["sgx sections"].split() == ["0", "2097152", "KiB", "1", "1048576", "KiB"]


def test_a_platform_that_encrypts() -> None:
    sev = {"cbitpos": 47, "reduced-phys-bits": 1, "cpu0-id": "Zm9v"}
    host = HostRecord("x86_64", cpu=HostCpu(cpuid_8000001f_ecx=509, cpuid_8000001f_edx=100))
    found = said("sev", "sev-guest", answers={ask("query-sev-capabilities"): sev}, host=host)
    assert found == {
        "sev": "yes",
        "sev cbitpos": "47",
        "sev reducedPhysBits": "1",
        "sev maxGuests": "410",
        "sev maxESGuests": "99",
        "sev cpu0Id": "Zm9v",
    }


def test_a_platform_that_does_not() -> None:
    assert said("sev", "sev-guest") == {"sev": "no"}


FULL = cpu_expansion_of("host", "full", {"migratable": False, "hv-passthrough": True})


def enlightened(libvirt: str = "12.8", **props: Any) -> dict[str, str]:
    named = {f"hv-{name.replace('_', '-')}": value for name, value in props.items()}
    answers = {
        ask("query-qmp-schema"): [{"name": "query-cpu-model-expansion", "meta-type": "command"}],
        FULL: {"model": {"name": "base", "props": named}},
    }
    return said("hyperv", answers=answers, libvirt=libvirt)


def test_without_enlightenments_nothing_is_said_of_them() -> None:
    assert enlightened() == {}
    assert enlightened(relaxed=False, spinlocks=0) == {}


def test_a_switch_is_listed_and_has_no_default() -> None:
    assert enlightened(relaxed=True) == {"hyperv": "yes", "hyperv.features=relaxed": "yes"}


@pytest.mark.parametrize("retries", [4095, NEVER_NOTIFIES])
def test_a_guest_may_never_tell_that_it_waits(retries: int) -> None:
    found = enlightened(spinlocks=retries)
    assert found["hyperv.features=spinlocks"] == "yes"
    told = found.get("hyperv.defaults spinlocks")
    assert told == (None if retries == NEVER_NOTIFIES else "4095")


def test_parts_are_on_or_off_where_there_is_the_whole() -> None:
    found = enlightened(stimer=True, stimer_direct=False, tlbflush_direct=True, tlbflush_ext=True)
    assert found["hyperv.defaults stimer_direct"] == "off"
    assert not [path for path in found if "tlbflush" in path]
    found = enlightened(tlbflush=True, tlbflush_direct=True, tlbflush_ext=False)
    assert found["hyperv.defaults tlbflush_direct"] == "on"
    assert found["hyperv.defaults tlbflush_extended"] == "off"


def test_a_vendor_has_a_name() -> None:
    found = enlightened(vendor_id="KVM Hv")
    assert found["hyperv.features=vendor_id"] == "yes"
    assert found["hyperv.defaults vendor_id"] == "KVM Hv"
    assert "hyperv.defaults vendor_id" not in enlightened(vendor_id="")


def test_older_releases_tell_no_defaults() -> None:
    assert "hyperv.defaults vendor_id" in enlightened("11.9", vendor_id="x")
    assert not [path for path in enlightened("11.8", vendor_id="x") if "defaults" in path]
