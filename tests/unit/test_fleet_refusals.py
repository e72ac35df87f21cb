"""Questions to a fleet that have no answer: of unknown releases, of a store that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.cli.fleet import command
from domcaps.errors import FleetError, UnknownDialectError
from domcaps.fleet.features import features_by_class
from domcaps.fleet.fleet import Fleet
from domcaps.fleet.rehearse import rehearse
from domcaps.hosts.host import Host
from domcaps.language.dialect import parse_dialect
from fleet_hosts import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRONG = ("9.99", "99", "nope", "9", "-1", "9.0\n", "٩.٠", "")
DOMAIN = b"<domain type='kvm'><name>a</name></domain>"


def options(one: click.Command, names: str = "") -> Iterator[tuple[str, click.Parameter]]:
    """Give the parameters that take a release of libvirt, of all commands."""
    if isinstance(one, click.Group):
        for name in one.list_commands(click.Context(one)):
            found = one.get_command(click.Context(one), name)
            if found is not None:
                yield from options(found, f"{names} {name}")
    for parameter in one.params:
        if getattr(parameter, "metavar", None) == "VERSION" and parameter.name != "version":
            yield f"{names} {parameter.opts[0]}", parameter


def test_every_option_that_takes_a_release_refuses_others() -> None:
    found = list(options(_root))
    assert {" validate --libvirt", " fleet rehearse --libvirt", " fleet rehearse --now"} <= {
        name for name, _ in found
    }
    for name, parameter in found:
        context = click.Context(_root)
        for text in WRONG:
            value = (text,) if parameter.multiple else text
            with pytest.raises((UnknownDialectError, click.UsageError)):
                parameter.process_value(context, value)
                pytest.fail(f"{name} takes {text!r}")


@pytest.mark.parametrize("text", WRONG)
def test_no_question_to_a_fleet_takes_another_release(text: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownDialectError):
        parse_dialect(text)
    fleet = Fleet.open(tmp_path)
    fleet.add(shipped(), "node")
    asked: list[Callable[[], object]] = [
        lambda: list(rehearse(fleet, [("a", DOMAIN)], libvirt=text)),
        lambda: list(features_by_class(fleet, text)),
    ]
    if text:
        # for those who ask, an empty text is as if it were left out
        asked += [
            lambda: fleet.accepts(DOMAIN, text),
            lambda: list(fleet.verdicts([("a", DOMAIN)], text)),
            lambda: list(fleet.ask([("a", DOMAIN)], libvirt=text)),
            lambda: list(rehearse(fleet, [("a", DOMAIN)], then=text)),
        ]
    for ask in asked:
        with pytest.raises(UnknownDialectError):
            ask()


@pytest.mark.parametrize(
    "words",
    [
        ["classes"], ["drift"], ["history", "node"], ["accepts", "DOMAIN"], ["matrix", "DOMAIN"],
        ["where", "DOMAIN", "--from", "node"], ["rehearse", "DOMAIN", "--libvirt", "12.8"],
        ["export", "--format", "json"], ["export", "--format", "prometheus"], ["check"], ["page"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_store_that_is_not_there_is_an_error(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(DOMAIN)
    given = [str(tmp_path / "a.xml") if word == "DOMAIN" else word for word in words[1:]]
    done = CliRunner().invoke(command, [words[0], str(tmp_path / "none"), *given])
    assert isinstance(done.exception, FleetError) or done.exit_code == 2, done.output
    assert not (tmp_path / "none").exists()


def test_very_many_findings_are_not_listed(tmp_path: Path) -> None:
    fleet = Fleet.open(tmp_path)
    for name in ("a", "b"):
        fleet.add(shipped(), name)
    attributes = " ".join(f"a{n}='x'" for n in range(30_000))
    for inside in (f"<disk {attributes}/>", "<e/>" * 3000):
        data = f"<domain type='kvm'><name>a</name><devices>{inside}</devices></domain>".encode()
        for one in fleet.verdicts([("a", data)]):
            assert [found.code for found in one.errors] == ["check-stopped"]
    wrong = "".join(f"<video><model type='x{n}'/></video>" for n in range(1100))
    data = f"<domain type='kvm'><name>a</name><devices>{wrong}</devices></domain>".encode()
    (one, _) = fleet.verdicts([("a", data)])
    assert len(one.errors) + len(one.warnings) <= 1001
    assert len(fleet.accepts(data).reasons) <= 1001


def test_recordings_that_come_with_domcaps_can_be_added(tmp_path: Path) -> None:
    for given, name in (("shipped:debian12-x86_64", ()), ("shipped", ("--name", "newest"))):
        done = CliRunner().invoke(command, ["add", str(tmp_path), given, *name])
        assert done.exit_code == 0, done.output
    assert set(Fleet.open(tmp_path).hosts.names) == {"debian12-x86_64", "newest"}


def test_a_domain_in_a_namespace_is_told_apart_from_one_without() -> None:
    findings = Host.open("shipped").validate(b"<domain xmlns='urn:x'/>").findings
    assert "<domain> in the namespace 'urn:x', but must be <domain> without" in findings[0].message
