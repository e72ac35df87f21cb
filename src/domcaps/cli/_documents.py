"""The JSON documents that commands print, as types: their schemas are made of these.

Nothing here is loaded when a command runs. `tools/generate_docs.py` writes the schemas into
``domcaps/schemas/``, from where ``domcaps schema NAME`` prints them, and a test compares what
commands print with them. What may change is said in ``docs/json.md``.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from domcaps.choose.change import Change as EditChange
from domcaps.choose.chosen import Step
from domcaps.choose.conversion import GuestNotice
from domcaps.choose.for_owner import OwnersDecision
from domcaps.fresh.explain import Provenance
from domcaps.fresh.watching import Event
from domcaps.language import Reason, Target
from domcaps.language.finding import Finding
from domcaps.native.document import NativeDocument
from domcaps.report.audit import Audit
from domcaps.report.diff import Difference
from domcaps.report.drift import DriftEntry
from domcaps.report.explain import Explanation
from domcaps.report.hostinfo import HostRow
from domcaps.validate.catalogue.codes import Code
from domcaps.validate.compare import Lack
from domcaps.validate.explain import Use
from domcaps.validate.known import KnownFindings
from domcaps.validate.output.json import ValidateDocument
from domcaps.validate.output.statistics import StatisticsDocument
from domcaps.verify.result import Counts, Tried
from domcaps.verify.whole.document import TryDocument

VERSION = 1
"""The version of every document: it is raised when one changes in a way that breaks readers."""


class VersionedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document with the version of its form."""

    version: int


class ReportDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps report`` and ``baseline``: elements by name, with `supported`, `enums` and more.

    The elements of the top level, such as `os` and `cpu`, stand beside `devices` and `features`.
    """

    path: str
    domain: str
    machine: str
    arch: str
    libvirt: str
    devices: dict[str, dict[str, Any]]
    features: dict[str, dict[str, Any]]
    unknown: tuple[str, ...]
    snapshot: str


class ExtendedRowEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Values that are used together; a refused row has the first finding about it."""

    values: dict[str, str]
    accepted: bool
    code: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


class ExtendedDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps report --extended``: rows by the name of their kind."""

    path: str
    domain: str
    machine: str
    arch: str
    libvirt: str
    rows: dict[str, tuple[ExtendedRowEntry, ...]]


class AuditDocument(Audit, frozen=True, kw_only=True):
    """``domcaps audit``."""

    version: int


class CodeEntry(Code, frozen=True, kw_only=True):
    """One kind of finding, with its title and the address of its page."""

    title: str
    url: str


class CodesDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps codes``: every finding, or those that a name stands for."""

    codes: tuple[CodeEntry, ...]


class CodeDocument(CodeEntry, frozen=True, kw_only=True):
    """``domcaps codes CODE``."""

    version: int


class ExplainedPath(Explanation, frozen=True, kw_only=True):
    """An explanation, with the targets of the same emulator for which it is a yes."""

    elsewhere: tuple[str, ...]


class ExplainDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps explain PATH``."""

    explanations: tuple[ExplainedPath, ...]


class ExplainFileDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps explain FILE``."""

    file: str
    target: Target
    uses: tuple[Use, ...]
    machine: str


class SideEntry(msgspec.Struct, frozen=True):
    """One side of a comparison."""

    host: str
    emulator: str
    qemu: str
    arch: str
    machine: str
    virttype: str
    libvirt: str
    recorded: str


class DifferenceEntry(Difference, frozen=True, kw_only=True):
    """A difference, with ``+``, ``-`` or ``~`` and the facts that came out otherwise."""

    sign: Literal["+", "-", "~"]
    because: tuple[str, ...]


class ComparedDomain(msgspec.Struct, frozen=True):
    """A domain on both sides."""

    file: str
    before: str
    after: str
    gone: tuple[Finding, ...]
    lacking: tuple[Lack, ...]
    new: tuple[Finding, ...]
    changes: tuple[DifferenceEntry, ...]


class DiffDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps diff``."""

    before: SideEntry
    after: SideEntry
    differences: tuple[DifferenceEntry, ...]
    domains: tuple[ComparedDomain, ...]


class DriftDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps drift``."""

    drifts: tuple[DriftEntry, ...]


class LeftFinding(msgspec.Struct, frozen=True):
    """A finding that no edit repairs."""

    code: str
    message: str
    path: str | UnsetType = UNSET
    line: int | UnsetType = UNSET


class HostRemedy(msgspec.Struct, frozen=True):
    """What on the host would make a finding go away."""

    code: str
    path: str
    on_host: tuple[str, ...]


class FixedFile(msgspec.Struct, frozen=True):
    """What came of one file; one that could not be read has an `error` and nothing else."""

    file: str
    error: str | UnsetType = UNSET
    accepted: bool | UnsetType = UNSET
    changes: tuple[EditChange, ...] | UnsetType = UNSET
    removes: tuple[str, ...] | UnsetType = UNSET
    loss: int | UnsetType = UNSET
    decisions: tuple[OwnersDecision, ...] | UnsetType = UNSET
    kept: tuple[LeftFinding, ...] | UnsetType = UNSET
    diff: str | UnsetType = UNSET
    fewest: bool | UnsetType = UNSET
    findings: tuple[LeftFinding, ...] | UnsetType = UNSET
    remedies: tuple[HostRemedy, ...] | UnsetType = UNSET


class FixDocument(FixedFile, frozen=True, kw_only=True):
    """``domcaps fix FILE``."""

    version: int


class FixesDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps fix`` with several files, a folder or a pattern."""

    files: tuple[FixedFile, ...]


class NativeDocumentEntry(NativeDocument, frozen=True, kw_only=True):
    """``domcaps native``."""

    version: int


class TryDocumentEntry(TryDocument, frozen=True, kw_only=True):
    """``domcaps try``."""

    version: int


class NewDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps new``: a domain with its steps, or the wishes that can't be met together."""

    accepted: bool
    xml: str | UnsetType = UNSET
    machine: str | UnsetType = UNSET
    virttype: str | UnsetType = UNSET
    arch: str | UnsetType = UNSET
    notes: tuple[str, ...] | UnsetType = UNSET
    steps: tuple[Step, ...] | UnsetType = UNSET
    wishes: tuple[str, ...] | UnsetType = UNSET
    reasons: tuple[str, ...] | UnsetType = UNSET


class ConvertDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps convert``."""

    file: str
    accepted: bool
    xml: str
    changes: tuple[EditChange, ...]
    guest: tuple[GuestNotice, ...]
    decisions: tuple[OwnersDecision, ...]
    findings: tuple[LeftFinding, ...]
    remedies: tuple[tuple[str, ...], ...]


class HostDocument(
    VersionedDocument,
    frozen=True,
    kw_only=True,
    rename={"device_assignment": "device assignment", "helper_programs": "helper programs"},
):
    """``domcaps host``: rows by the title of their section."""

    recording: tuple[HostRow, ...] | UnsetType = UNSET
    host: tuple[HostRow, ...]
    emulators: tuple[HostRow, ...]
    accelerators: tuple[HostRow, ...]
    firmware: tuple[HostRow, ...]
    device_assignment: tuple[HostRow, ...]
    helper_programs: tuple[HostRow, ...]
    memory: tuple[HostRow, ...]


class TriedEntry(Tried, frozen=True, kw_only=True, omit_defaults=True):
    """What was tried, with how report and emulator disagree."""

    disagreement: Literal["lie", "missed chance", ""] = ""


class VerifiedTarget(msgspec.Struct, frozen=True):
    """All that was tried of one target."""

    emulator: str
    version: str
    arch: str
    machine: str
    virttype: str
    libvirt: str
    tried: tuple[TriedEntry, ...]
    counts: Counts
    seconds: float = 0.0
    not_kept: str = ""


class VerifyDocument(VersionedDocument, frozen=True, kw_only=True):
    """``domcaps verify``."""

    verifications: tuple[VerifiedTarget, ...]


class WatchDocument(Event, frozen=True, kw_only=True):
    """Each line of ``domcaps watch``."""

    version: int


class WhyFreshDocument(Provenance, frozen=True, kw_only=True):
    """``domcaps why-fresh``."""

    version: int
    snapshot: str


DOCUMENTS: dict[str, tuple[str, Any]] = {
    "audit": ("domcaps audit --format json", AuditDocument),
    "baseline": ("domcaps baseline --format json", ReportDocument),
    "code": ("domcaps codes CODE --format json", CodeDocument),
    "codes": ("domcaps codes --format json", CodesDocument),
    "convert": ("domcaps convert --format json", ConvertDocument),
    "diff": ("domcaps diff --format json", DiffDocument),
    "drift": ("domcaps drift --format json", DriftDocument),
    "explain": ("domcaps explain PATH --format json", ExplainDocument),
    "explain-file": ("domcaps explain FILE --format json", ExplainFileDocument),
    "extended": ("domcaps report --extended --format json", ExtendedDocument),
    "fix": ("domcaps fix FILE --format json", FixDocument),
    "fix-files": ("domcaps fix FOLDER --format json", FixesDocument),
    "host": ("domcaps host --format json", HostDocument),
    "known": ("domcaps validate --add-known FILE", KnownFindings),
    "native": ("domcaps native --format json", NativeDocumentEntry),
    "new": ("domcaps new --format json", NewDocument),
    "report": ("domcaps report --format json", ReportDocument),
    "statistics": ("domcaps validate --statistics --format json", StatisticsDocument),
    "try": ("domcaps try --format json", TryDocumentEntry),
    "validate": ("domcaps validate --format json", ValidateDocument),
    "verify": ("domcaps verify --format json", VerifyDocument),
    "watch": ("each line of domcaps watch --format json", WatchDocument),
    "why-fresh": ("domcaps why-fresh --format json", WhyFreshDocument),
}
"""Every schema: its name, the call that prints such a document, and the type."""

__all__ = ["DOCUMENTS", "VERSION", "Reason"]


def _plain(made: Any) -> Any:
    """Give what is the same with every Python and every msgspec.

    Docstrings have no margin since Python 3.13, and of alternatives null is the last in some
    releases of msgspec and the first in others.
    """
    if isinstance(made, list):
        return [_plain(item) for item in made]
    if not isinstance(made, dict):
        return made
    plain = {key: _plain(item) for key, item in made.items()}
    if isinstance(plain.get("description"), str):
        plain["description"] = cleandoc(plain["description"])
    if isinstance(plain.get("anyOf"), list):
        plain["anyOf"].sort(key=lambda item: item == {"type": "null"})
    return plain


def schema(name: str) -> dict[str, Any]:
    """Make the JSON Schema (draft 2020-12) of a document."""
    call, kind = DOCUMENTS[name]
    # as JSON has it: a default may be a tuple
    made = _plain(msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(kind))))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:domcaps:schema:{name}:{VERSION}",
        "title": call,
        **made,
    }
