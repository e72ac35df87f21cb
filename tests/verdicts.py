"""Tables of domains with what is to be said of them: for tests of rules, one table per area.

::

    TABLE = [
        wrong("a LUN has no slices", "<disk …/>", "disk-lun-image-unsupported"),
        fine("a volume can be a LUN", "<disk …/>"),
    ]

    @pytest.mark.parametrize("case", TABLE)
    def test_disks(case: Case) -> None:
        assert case.found() == case.codes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet


@dataclass(frozen=True)
class Case:
    """A domain on a recorded emulator, and the codes of all errors that it must have."""

    xml: str
    codes: frozenset[str]
    arch: str = "x86_64"
    machine: str = ""
    virttype: str = "qemu"
    dialect: str = "12.8"
    release: str = "sid"
    new: bool = True

    def found(self) -> frozenset[str]:
        """Give the codes of the errors that are found."""
        host = sample_host(self.arch, self.release, self.machine)
        assert host is not None, f"no recording of {self.release} for {self.arch}"
        sample = Sample(self.xml, arch=self.arch, machine=self.machine, virttype=self.virttype)
        result = host.validate(domain_of(sample), self.dialect, new=self.new)
        broken = [text for text in result.unknown if "failed" in text]
        assert not broken, broken
        return frozenset(finding.code for finding in result.errors)


def wrong(why: str, xml: str, *codes: str, **target: Any) -> ParameterSet:
    """Say that a domain has errors, these and no others."""
    assert codes
    return pytest.param(Case(xml, frozenset(codes), **target), id=why)


def fine(why: str, xml: str, **target: Any) -> ParameterSet:
    """Say that a domain has no error."""
    return pytest.param(Case(xml, frozenset(), **target), id=why)
