"""Looks that are short: for one code alone, and at domains that are thrown away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from domcaps.choose.hosts import refusals
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.consequences import CONSEQUENCES
from domcaps.validate.memo import shapes
from plain_hosts import open_plain
from sample_hosts import sample_host

if TYPE_CHECKING:
    import domcaps


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    found = sample_host("x86_64", "sid")
    assert found is not None
    return found


def samples() -> list[tuple[str, bytes]]:
    """Give a domain that triggers it for every code of an error."""
    found = []
    for name, code in codes().items():
        if code.bad is not None and code.severity.value == "error" and code.kind != "document":
            found.append((name, domain_of(code.bad).encode()))
    return found


def test_a_look_for_one_code_finds_what_a_look_for_all_finds(host: domcaps.Host) -> None:
    compared = 0
    for name, data in samples():
        errors = refusals([host], data, "12.8")
        cause = CONSEQUENCES.get(name, ("",))[0]
        if any(f.code == cause for f in errors):
            continue  # what follows from a fault that is not looked for is an error
        everything = [f for f in errors if f.code == name]
        only = refusals([host], data, "12.8", only=name)
        assert [(f.path, f.message) for f in only] == [(f.path, f.message) for f in everything]
        compared += bool(everything)
    assert compared > 500


def test_what_is_looked_at_once_teaches_nothing(host: domcaps.Host) -> None:
    data = domain_of(next(c.bad for c in codes().values() if c.bad and c.kind == "rule")).encode()
    before = host.validate(data).errors
    assert tuple(refusals([host], data, "12.8")) == before
    assert tuple(refusals([host], data, "12.8")) == before


def test_what_one_machine_type_taught_is_true_of_others() -> None:
    some = [data for _, data in samples()[::9]]
    machine = re.compile(rb" machine='[^']*'")

    def found(host: domcaps.Host, data: bytes, name: bytes) -> list[tuple[str, str]]:
        text = machine.sub(b"", data).replace(b"<type", b"<type machine='" + name + b"'", 1)
        return [(finding.code, finding.path) for finding in host.validate(text).errors]

    told, fresh, taught = {}, open_plain("sid-x86_64"), open_plain("sid-x86_64")
    for number, data in enumerate(some):
        for name in (b"pc", b"isapc"):
            # nothing that another machine type taught is known here
            shapes.DECISIONS.clear()
            told[number, name] = found(fresh, data, name)
    for data in some:
        for _ in range(2):
            found(taught, data, b"q35")
    for number, data in enumerate(some):
        for name in (b"pc", b"isapc"):
            assert found(taught, data, name) == told[number, name]
