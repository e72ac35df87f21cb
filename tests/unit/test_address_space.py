"""Memory and the addresses of an x86 CPU: the largest sizes are those that QEMU starts with."""

from __future__ import annotations

import pytest

from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host

NUMA = "<numa><cell id='0' cpus='0' memory='1' unit='GiB'/></numa>"
INTEL, AMD = "<model>Haswell</model>", "<model>EPYC</model>"


def codes(machine: str, domain: str, virttype: str = "qemu") -> set[str]:
    host = sample_host("x86_64", "sid", machine)
    assert host is not None
    xml = domain_of(Sample(domain, arch="x86_64", machine=machine, virttype=virttype))
    return {f.code for f in host.validate(xml, "12.8").errors if "beyond-addresses" in f.code}


# measured with QEMU 7.2 and 11.1: the last size with which each started
@pytest.mark.parametrize(
    ("machine", "model", "last"),
    [
        ("q35", "", 976), ("q35", AMD, 976), ("q35", INTEL, 988), ("pc-q35-7.0", AMD, 988),
        ("pc", "", 1006), ("pc", AMD, 1006), ("pc", INTEL, 1018),
    ],
)  # fmt: skip
def test_the_largest_maximum(machine: str, model: str, last: int) -> None:
    def found(size: int) -> set[str]:
        cpu = f"<cpu mode='custom'>{model}{NUMA}</cpu>" if model else f"<cpu>{NUMA}</cpu>"
        most = f"<maxMemory slots='1' unit='GiB'>{size}</maxMemory>"
        return codes(machine, f"<memory unit='GiB'>1</memory>{most}{cpu}")

    assert found(last) == set()
    assert found(last + 1) == {"max-memory-beyond-addresses"}


@pytest.mark.parametrize(
    ("machine", "model", "last"),
    [("q35", "", 978), ("q35", INTEL, 990), ("pc", "", 1009), ("pc", INTEL, 1021)],
)
def test_the_most_memory(machine: str, model: str, last: int) -> None:
    cpu = f"<cpu mode='custom'>{model}</cpu>" if model else ""
    sizes = f"<memory unit='GiB'>{{}}</memory>{cpu}"
    assert codes(machine, sizes.format(last)) == set()
    assert codes(machine, sizes.format(last + 1)) == {"memory-beyond-addresses"}


def test_more_addresses_have_room() -> None:
    wide = "<cpu mode='custom'><model>Haswell</model><maxphysaddr mode='emulate' bits='46'/></cpu>"
    large = "<memory unit='GiB'>2000</memory>"
    assert codes("q35", large) == {"memory-beyond-addresses"}
    assert codes("q35", large + wide) == set()
    assert codes("q35", large, "kvm") == {"memory-beyond-addresses"}
    # as many as the host's CPU has
    assert codes("q35", large + "<cpu mode='host-passthrough'/>", "kvm") == set()


def test_the_hole_for_pci_counts() -> None:
    hole = (
        "<controller type='pci' index='0' model='pcie-root'>"
        "<pcihole64 unit='GiB'>{}</pcihole64></controller>"
    )
    cpu = f"<cpu mode='custom'>{INTEL}</cpu>"
    guest = f"<memory unit='GiB'>472</memory>{cpu}<devices>{hole}</devices>"
    assert codes("q35", guest.format(550)) == set()
    assert codes("q35", guest.format(551)) == {"memory-beyond-addresses"}
    # this one has no room whatever the memory is: another finding says so
    assert codes("q35", guest.format(2048)) == set()
