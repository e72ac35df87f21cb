"""For which hosts and which release of libvirt a file is judged: command line and configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domcaps.cli._notes import open_host
from domcaps.language.struct import MutableStruct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.hosts.host import Host
    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation
    from domcaps.validate.config import Configured
    from domcaps.validate.output.sarif import Replacement
    from domcaps.validate.several import Judged

LOCAL = "local"
"""The name of this machine among several hosts."""


class Judges(MutableStruct):
    """Judges files: what the command line says goes before what a configuration says.

    `hosts`, `libvirt` and `schema` are empty or None where the command line does not name them.
    """

    hosts: tuple[str, ...] = ()
    libvirt: str = ""
    schema: bool | None = None
    existing: bool = False
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    left_open: dict[str, Host] = msgspec.field(default_factory=dict)
    """Hosts that were asked without naming a release of libvirt."""
    _open: dict[str, Host] = msgspec.field(default_factory=dict)

    def named_hosts(self, found: Configured) -> tuple[str, ...]:
        """Give the hosts for which a file with this configuration is judged."""
        return tuple(dict.fromkeys(self.hosts or found.hosts() or (LOCAL,)))

    def asked(self, found: Configured) -> Iterator[tuple[str, Host, str]]:
        """Give each host with its name and the release of libvirt that is asked about."""
        from domcaps.language.dialect import AUTO, dialect_for

        libvirt = self.libvirt or found.config.libvirt or AUTO
        for name in self.named_hosts(found):
            host = self._host(name)
            if libvirt == AUTO:
                self.left_open[name] = host
            yield name, host, str(dialect_for(libvirt, host.few_facts().record.libvirt))

    def look(self, file: str, data: bytes, found: Configured) -> list[Judged]:
        """Judge a document for each host."""
        from domcaps.validate.several import Judged

        config = found.config
        left_out = self._left_out(found, Path(file))
        schema = config.schema if self.schema is None else self.schema
        new = not (self.existing or config.existing)
        return [
            Judged(
                name,
                libvirt,
                host.validate(data, libvirt, ignore=left_out, new=new, schema=schema),
            )
            for name, host, libvirt in self.asked(found)
        ]

    def fixes(self, file: str, done: Validation, finding: Finding) -> list[tuple[str, Replacement]]:
        """Give edits that repair a finding, for the first host on which it was found."""
        from domcaps.choose.quick_fixes import quick_fixes
        from domcaps.validate.output.sarif import Replacement

        host, libvirt = self._host_of(file, finding)
        return [
            (one.what, Replacement(one.line, one.column, one.end_line, one.end_column, one.text))
            for one in quick_fixes(host, done.source, finding, libvirt, new=not self.existing)
        ]

    def first_steps(self, file: str, done: Validation, findings: Sequence[Finding]) -> list[str]:
        """Say what ``domcaps fix`` would write for each finding, "" where it knows nothing."""
        from domcaps.choose.first_steps import first_steps

        # those of a file have the first host in common
        host, libvirt = self._host_of(file, findings[0])
        return first_steps(host, done.source, findings, libvirt, new=not self.existing)

    def _host_of(self, file: str, finding: Finding) -> tuple[Host, str]:
        """Give the first host on which something was found, and the release of libvirt."""
        from domcaps.validate.config import configured

        asked = {
            name: (host, libvirt) for name, host, libvirt in self.asked(configured(Path(file)))
        }
        return asked[finding.hosts[0]] if finding.hosts else next(iter(asked.values()))

    def _left_out(self, found: Configured, file: Path) -> frozenset[str]:
        ignore = self.ignore | found.ignored(file)
        select = self.select or found.config.select
        if not ignore and not select:
            return frozenset()
        from domcaps.validate.selection import left_out

        return left_out(select, ignore)

    def _host(self, name: str) -> Host:
        if name not in self._open:
            self._open[name] = open_host(None if name == LOCAL else name)
        return self._open[name]


def expand_hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the hosts that ``--host`` names: folders and patterns stand for several."""
    from domcaps.cli._grid import expand_host

    found = [one for name in names for one in ((name,) if name == LOCAL else expand_host(name))]
    return tuple(dict.fromkeys(found))
