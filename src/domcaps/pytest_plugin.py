"""A plugin for pytest: tests of programs that make domains.

::

    def test_the_domain_that_we_make(validate_domain):
        validate_domain(make_domain("web"))

Nothing of domcaps is loaded until a test uses a fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from domcaps._version import DEFAULT_DIALECT

if TYPE_CHECKING:
    from pathlib import Path

    from domcaps.hosts.host import Host
    from domcaps.validate.check import Validation


class ValidateDomain(Protocol):
    """What the fixture `validate_domain` gives."""

    def __call__(
        self, xml: str | bytes, *, refused_with: str = "", schema: bool = False
    ) -> Validation:
        """Judge a domain for every host, and give the validation.

        Fails the test where a host refuses the domain; with `refused_with` where no host finds that
        code.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the keys of the configuration."""
    group = parser.getgroup("domcaps")
    group.addoption(
        "--domcaps-host",
        action="append",
        metavar="FILE",
        help="a recording for validate_domain, or shipped:NAME, or local; may be repeated",
    )
    group.addoption("--domcaps-libvirt", metavar="VERSION", help="the release of libvirt")
    parser.addini("domcaps_hosts", "recordings for validate_domain", type="args")
    parser.addini("domcaps_libvirt", "the release of libvirt", default="")
    parser.addini("domcaps_ignore", "codes that validate_domain leaves out", type="args")


@pytest.fixture(scope="session")
def domcaps_hosts(pytestconfig: pytest.Config) -> dict[str, Host]:
    """Give the hosts for which domains are judged, by their names."""
    named = pytestconfig.getoption("--domcaps-host") or pytestconfig.getini("domcaps_hosts")
    return {name: _open(name, pytestconfig.rootpath) for name in named or ["shipped"]}


@pytest.fixture(scope="session")
def validate_domain(pytestconfig: pytest.Config, domcaps_hosts: dict[str, Host]) -> ValidateDomain:
    """Give a function that fails the test where a host refuses a domain."""
    option = pytestconfig.getoption("--domcaps-libvirt")
    libvirt = option or pytestconfig.getini("domcaps_libvirt") or DEFAULT_DIALECT
    ignore = pytestconfig.getini("domcaps_ignore")

    def judge(xml: str | bytes, *, refused_with: str = "", schema: bool = False) -> Validation:
        __tracebackhide__ = True
        from domcaps.language.dialect import dialect_for
        from domcaps.validate.selection import left_out
        from domcaps.validate.several import Judged, merged

        codes = left_out(frozenset(), frozenset(ignore))
        judged = []
        for name, host in domcaps_hosts.items():
            release = str(dialect_for(libvirt, host.few_facts().record.libvirt))
            done = host.validate(xml, release, ignore=codes, schema=schema)
            judged.append(Judged(name, release, done))
        result = merged(judged)
        _require(result, refused_with)
        return result

    return judge


def _require(result: Validation, refused_with: str) -> None:
    """Fail the test where the verdict is another than the wanted one."""
    __tracebackhide__ = True
    listed = "\n".join(_lines(result)) or "there are no findings"
    if refused_with and not any(one.code == refused_with for one in result.errors):
        pytest.fail(f"no host refuses the domain with {refused_with}:\n{listed}", pytrace=False)
    if not refused_with and not result.accepted:
        pytest.fail(f"the domain is refused:\n{listed}", pytrace=False)


def _lines(result: Validation) -> list[str]:
    return [
        f"{one} (on {', '.join(one.hosts)})" if one.hosts else str(one) for one in result.errors
    ]


def _open(name: str, folder: Path) -> Host:
    from domcaps.hosts.host import Host

    named = name == "local" or name.partition(":")[0] == "shipped"
    return Host.open(name if named else folder / name)
