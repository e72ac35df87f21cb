"""A partial recording of a host of which only libvirt can be asked.

Its libvirt gives its capabilities and a report for each machine type. That decides what a report
says, and which targets there are; every other fact is unknown. What a libvirt sends is checked as
what any stranger sends: sizes, numbers and names are limited, and a report must be about the target
for which it was asked.
"""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps._version import __version__
from domcaps.errors import FleetError, InputError
from domcaps.facts.arch import qemu_target
from domcaps.facts.emulator import ACCELERATORS, LIBVIRT_SESSION
from domcaps.facts.host_parts import Kvm, Libvirt
from domcaps.facts.question import ask, report_of
from domcaps.facts.record import Answer, EmulatorRecord, HostRecord, ProbeSession, Recording
from domcaps.report.read import read_report
from domcaps.serve.client import CallRefusedError, LibvirtClient
from domcaps.serve.links import link_to
from domcaps.serve.offered import LibvirtHost, OfferedGuest, read_capabilities

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domcaps.language import Row
    from domcaps.report.document import Document

_UNREAD = (
    "cpu", "kvm.nested", "kvm.secure_guest", "kvm.tdx", "firmware", "images",
    "image_sizes", "vfio", "iommufd", "helpers", "transparent_hugepage_kib",
)  # fmt: skip
"""Fields of `HostRecord` that libvirt does not tell; "no" would be the wrong answer for them."""

_HANGING = 30.0
"""Seconds for a connection to be made."""


def record_libvirt(
    uri: str, emulators: Sequence[str] = (), seconds: float = 120.0, options: Sequence[str] = ()
) -> Recording:
    """Record what the libvirt at a URI tells of its host; see `domcaps.serve.links` for URIs.

    `emulators` are paths on the host; without them the one for the host's architecture is recorded.
    All of it may take `seconds`; `options` are added to ssh's. Raises `LibvirtCallError` where
    libvirt can't be reached or refuses, `FleetError` where it makes no sense.
    """
    end = time.monotonic() + seconds
    link = link_to(uri, min(seconds, _HANGING), options)
    with LibvirtClient(uri, link, end=end) as client:
        major, minor = client.release()
        host = read_capabilities(client.capabilities(), link.where)
        records = tuple(_record(client, guest, host) for guest in _guests(host, emulators))
        return Recording(
            host=_host_record(host, records, f"{major}.{minor}.0", uri),
            emulators=records,
            made_by=f"domcaps {__version__} over libvirt {major}.{minor}",
            made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )


def _guests(host: LibvirtHost, emulators: Sequence[str]) -> Iterator[OfferedGuest]:
    own = next((one for one in host.guests if one.arch == host.arch), None)
    if not emulators:
        if own is None:
            raise FleetError(f"libvirt has no emulator for {host.arch} guests")
        yield own
    for path in emulators:
        # the same program may serve guests of two architectures
        serving = [one for one in host.guests if one.emulator == path]
        serving.sort(key=lambda one: one.arch != host.arch)
        if not serving:
            known = ", ".join(dict.fromkeys(one.emulator for one in host.guests)) or "none"
            raise FleetError(f"libvirt has no emulator {path!r}; it has {known}")
        yield serving[0]


def _host_record(
    host: LibvirtHost, records: tuple[EmulatorRecord, ...], version: str, uri: str
) -> HostRecord:
    usable = any(s.accelerator == "kvm" for one in records for s in one.sessions)
    unread = [*_UNREAD, *(() if host.cells else ("numa",)), *host.unread]
    return HostRecord(
        arch=host.arch,
        privileged="/session" not in uri,
        kvm=Kvm(usable, "" if usable else "libvirt offers no KVM guests"),
        numa=host.cells,
        hugepage_sizes_kib=host.hugepage_sizes_kib,
        libvirt=Libvirt(version=version, found="virConnectGetLibVersion"),
        unread=tuple(unread),
    )


# -- one emulator ----------------------------------------------------------------------------------


class _Reports:
    """The reports of an emulator as libvirt gives them, each about the target that was meant."""

    def __init__(self, client: LibvirtClient, guest: OfferedGuest) -> None:
        self._client, self._guest = client, guest
        self.answers: list[Answer] = []
        self.refused = ""

    def of(self, virttype: str, machine: str | None) -> Document | None:
        """Ask for a report and keep it; None where libvirt refuses this target."""
        guest = self._guest
        try:
            data = self._client.domain_capabilities(guest.emulator, guest.arch, machine, virttype)
        except CallRefusedError as error:
            self.refused = error.message
            return None
        found = _checked(data, guest, machine, virttype)
        question = report_of(guest.arch, found.machine, virttype)
        text = data.decode("utf-8", "replace")
        self.answers.append(Answer(question, msgspec.Raw(msgspec.json.encode(text))))
        return found


def _checked(data: bytes, guest: OfferedGuest, machine: str | None, virttype: str) -> Document:
    try:
        found = read_report(data, guest.emulator)
    except InputError as error:
        raise FleetError(f"libvirt's report is malformed: {error.message}") from error
    named = (found.path, found.arch, found.domain)
    names = {one.name for one in guest.machines}
    is_meant = found.machine == machine if machine else found.machine in names
    if named != (guest.emulator, guest.arch, virttype) or not is_meant:
        wanted = machine or "the default machine type"
        raise FleetError(f"libvirt's report is not about {wanted} with {virttype}")
    return found


def _record(client: LibvirtClient, guest: OfferedGuest, host: LibvirtHost) -> EmulatorRecord:
    reports = _Reports(client, guest)
    version = client.qemu_version() if guest.arch == host.arch else None
    sessions = []
    for virttype in guest.virttypes:
        first = reports.of(virttype, None)
        if first is None:
            continue
        for machine in guest.machines:
            if machine.name != first.machine:
                reports.of(virttype, machine.name)
        answers = tuple(_answers(guest, virttype, first, version))
        sessions.append(ProbeSession(ACCELERATORS[virttype], answers))
    if not sessions:
        raise FleetError(f"libvirt gives no report: {reports.refused or 'no type of guest'}")
    told = ProbeSession(LIBVIRT_SESSION, tuple(reports.answers))
    return EmulatorRecord(guest.emulator, (*sessions, told))


def _answers(
    guest: OfferedGuest, virttype: str, report: Document, version: tuple[int, int, int] | None
) -> Iterator[Answer]:
    """Give what follows from libvirt's documents, in the form of QEMU's answers."""
    if version is not None:
        names = ("major", "minor", "micro")
        numbers = dict(zip(names, version, strict=True))
        yield _answer("query-version", {"qemu": numbers, "package": ""})
    yield _answer("query-target", {"arch": qemu_target(guest.arch)})
    machines = [
        {
            "name": one.name, "alias": one.alias, "cpu-max": one.most_vcpus,
            "deprecated": one.deprecated, "is-default": one.name == report.machine,
        }
        for one in guest.machines
    ]  # fmt: skip
    yield _answer("query-machines", machines)
    if "kvm" in guest.virttypes:
        is_kvm = virttype == "kvm"
        yield _answer("query-kvm", {"enabled": is_kvm, "present": True})
    models = _models(report)
    if models:
        yield _answer("query-cpu-definitions", models)


def _answer(command: str, reply: Any) -> Answer:
    return Answer(ask(command), msgspec.Raw(msgspec.json.encode(reply)))


def _models(report: Document) -> list[dict[str, Any]]:
    """Give the CPU models of a report; of one that can't be used here, the features it lacks."""
    rows = [row for row in _custom(report) if row.text]
    lacking = {
        dict(row.attributes).get("model"): [
            dict(one.attributes).get("name", "") for one in row.rows
        ]
        for row in _custom(report)
        if row.name == "blockers"
    }
    found = []
    for row in rows:
        named = dict(row.attributes)
        model: dict[str, Any] = {"name": row.text, "deprecated": named.get("deprecated") == "yes"}
        usable = named.get("usable")
        if usable in {"yes", "no"}:
            missing = lacking.get(row.text) or [_SOMETHING]
            model["unavailable-features"] = [] if usable == "yes" else missing
        if canonical := named.get("canonical"):
            model["alias-of"] = canonical
        found.append(model)
    return found


_SOMETHING = "a feature that libvirt does not name"


def _custom(report: Document) -> Iterator[Row]:
    for section in report.top:
        if section.name == "cpu":
            yield from _rows(section, "custom")


def _rows(section: Any, name: str) -> Iterator[Row]:
    for part in section.parts:
        if getattr(part, "name", "") == name and hasattr(part, "parts"):
            yield from (row for row in part.parts if hasattr(row, "rows"))
