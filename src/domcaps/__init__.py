"""domcaps: what can a virtual machine be given here, by which QEMU, on which host?

::

    import domcaps

    host = domcaps.Host.local()
    caps = host.domain_capabilities(machine="q35")
    caps.devices.video.enums["modelType"]

What ``__all__`` lists is public. It is imported when it is first used, so that a command line
tool that needs one of them does not wait for all; type checkers see every name where it is defined.
"""

from importlib import import_module

from domcaps._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from domcaps.choose.api import WishOptions
    from domcaps.choose.change import Change, Settled
    from domcaps.choose.chosen import Chosen, RankedValue, Step
    from domcaps.choose.conversion import Conversion, GuestNotice
    from domcaps.choose.for_owner import OwnersDecision
    from domcaps.choose.repaired import Repair
    from domcaps.errors import (
        DomainError,
        DomcapsError,
        EmulatorDiedError,
        EmulatorNotFoundError,
        EmulatorTimeoutError,
        FleetError,
        HostFactsError,
        InputError,
        LibvirtCallError,
        NoEmulatorError,
        NotAnEmulatorError,
        ProbeError,
        RecordingError,
        RequestError,
        TranscriptError,
        UnansweredError,
        UnknownDialectError,
        UnmetWishesError,
        UnsupportedTargetError,
        UntoldError,
        UntrustedProgramError,
        WrongTypeError,
    )
    from domcaps.extended.capabilities import ExtendedCapabilities
    from domcaps.extended.rows import ExtendedRow, ExtendedSection
    from domcaps.facts.emulator import EmulatorFacts
    from domcaps.facts.emulators import Emulators
    from domcaps.facts.host import HostFacts, read_host_facts
    from domcaps.facts.node import Node
    from domcaps.facts.record import EmulatorRecord, HostRecord, Recording
    from domcaps.facts.shipped import shipped_names
    from domcaps.facts.transcript import read_transcript
    from domcaps.hosts.compared import Comparison, compare
    from domcaps.hosts.host import Host, LiveHost
    from domcaps.hosts.several import baseline, choose_for
    from domcaps.language.dialect import Dialect
    from domcaps.language.finding import (
        Finding,
        Severity,
        Stage,
        VerdictWord,
    )
    from domcaps.language.fix import Fix
    from domcaps.language.preference import GraphicsType, Guest, GuestFamily, GuestUse
    from domcaps.language.remedy import EffortWord
    from domcaps.language.table import Row
    from domcaps.language.target import Flags, ReportOptions, Target, TargetOptions
    from domcaps.language.truth import Reason, Truth
    from domcaps.language.world import World
    from domcaps.native.write import NativeCommand, NativeNeed, NativeNote, NativeOrigin
    from domcaps.report.audit import Audit, AuditDifference, BrokenPromise
    from domcaps.report.capabilities import DomainCapabilities
    from domcaps.report.diff import Difference
    from domcaps.report.difference_kinds import DifferenceKind
    from domcaps.report.explain import Explanation, NeededChange
    from domcaps.report.view import (
        DeviceViews,
        FeatureViews,
        SectionView,
        SectionViews,
        TopViews,
    )
    from domcaps.validate.catalogue.lookup import CodeInfo, code, codes
    from domcaps.validate.check import Validation
    from domcaps.validate.compare import DomainDifference, Lack
    from domcaps.validate.cpu_difference import CpuDifference
    from domcaps.validate.explain import DomainExplanation, Use
    from domcaps.validate.folder import FolderValidations
    from domcaps.validate.summary import CountedCode, Summary, summarize
    from domcaps.verify.result import Counts, Tried, TriedVerdict, Verification
    from domcaps.verify.whole.blame import TrialMessage
    from domcaps.verify.whole.scene import TrialReplacement
    from domcaps.verify.whole.trial import DomainTrial

__all__ = [
    "Audit",
    "AuditDifference",
    "BrokenPromise",
    "Change",
    "Chosen",
    "CodeInfo",
    "Comparison",
    "Conversion",
    "CountedCode",
    "Counts",
    "CpuDifference",
    "DeviceViews",
    "Dialect",
    "Difference",
    "DifferenceKind",
    "DomainCapabilities",
    "DomainDifference",
    "DomainError",
    "DomainExplanation",
    "DomainTrial",
    "DomcapsError",
    "EffortWord",
    "EmulatorDiedError",
    "EmulatorFacts",
    "EmulatorNotFoundError",
    "EmulatorRecord",
    "EmulatorTimeoutError",
    "Emulators",
    "Explanation",
    "ExtendedCapabilities",
    "ExtendedRow",
    "ExtendedSection",
    "FeatureViews",
    "Finding",
    "Fix",
    "Flags",
    "FleetError",
    "FolderValidations",
    "GraphicsType",
    "Guest",
    "GuestFamily",
    "GuestNotice",
    "GuestUse",
    "Host",
    "HostFacts",
    "HostFactsError",
    "HostRecord",
    "InputError",
    "Lack",
    "LibvirtCallError",
    "LiveHost",
    "NativeCommand",
    "NativeNeed",
    "NativeNote",
    "NativeOrigin",
    "NeededChange",
    "NoEmulatorError",
    "Node",
    "NotAnEmulatorError",
    "OwnersDecision",
    "ProbeError",
    "RankedValue",
    "Reason",
    "Recording",
    "RecordingError",
    "Repair",
    "ReportOptions",
    "RequestError",
    "Row",
    "SectionView",
    "SectionViews",
    "Settled",
    "Severity",
    "Stage",
    "Step",
    "Summary",
    "Target",
    "TargetOptions",
    "TopViews",
    "TranscriptError",
    "TrialMessage",
    "TrialReplacement",
    "Tried",
    "TriedVerdict",
    "Truth",
    "UnansweredError",
    "UnknownDialectError",
    "UnmetWishesError",
    "UnsupportedTargetError",
    "UntoldError",
    "UntrustedProgramError",
    "Use",
    "Validation",
    "VerdictWord",
    "Verification",
    "WishOptions",
    "World",
    "WrongTypeError",
    "__version__",
    "baseline",
    "choose_for",
    "code",
    "codes",
    "compare",
    "read_host_facts",
    "read_transcript",
    "shipped_names",
    "summarize",
]

if not TYPE_CHECKING:
    _HOMES = {
        "CodeInfo": "domcaps.validate.catalogue.lookup",
        "code": "domcaps.validate.catalogue.lookup",
        "codes": "domcaps.validate.catalogue.lookup",
        "FolderValidations": "domcaps.validate.folder",
        "CpuDifference": "domcaps.validate.cpu_difference",
        "Lack": "domcaps.validate.compare",
        "RankedValue": "domcaps.choose.chosen",
        "EffortWord": "domcaps.language.remedy",
        "GuestFamily": "domcaps.language.preference",
        "GuestUse": "domcaps.language.preference",
        "GraphicsType": "domcaps.language.preference",
        "WishOptions": "domcaps.choose.api",
        "Change": "domcaps.choose.change",
        "Settled": "domcaps.choose.change",
        "OwnersDecision": "domcaps.choose.for_owner",
        "Chosen": "domcaps.choose.chosen",
        "Step": "domcaps.choose.chosen",
        "Conversion": "domcaps.choose.conversion",
        "GuestNotice": "domcaps.choose.conversion",
        "Repair": "domcaps.choose.repaired",
        "ExtendedCapabilities": "domcaps.extended.capabilities",
        "ExtendedRow": "domcaps.extended.rows",
        "ExtendedSection": "domcaps.extended.rows",
        "EmulatorFacts": "domcaps.facts.emulator",
        "Emulators": "domcaps.facts.emulators",
        "HostFacts": "domcaps.facts.host",
        "read_host_facts": "domcaps.facts.host",
        "Node": "domcaps.facts.node",
        "EmulatorRecord": "domcaps.facts.record",
        "HostRecord": "domcaps.facts.record",
        "Recording": "domcaps.facts.record",
        "read_transcript": "domcaps.facts.transcript",
        "Comparison": "domcaps.hosts.compared",
        "compare": "domcaps.hosts.compared",
        "Host": "domcaps.hosts.host",
        "LiveHost": "domcaps.hosts.host",
        "baseline": "domcaps.hosts.several",
        "choose_for": "domcaps.hosts.several",
        "Dialect": "domcaps.language.dialect",
        "Finding": "domcaps.language.finding",
        "Severity": "domcaps.language.finding",
        "Stage": "domcaps.language.finding",
        "VerdictWord": "domcaps.language.finding",
        "Fix": "domcaps.language.fix",
        "Guest": "domcaps.language.preference",
        "Row": "domcaps.language.table",
        "Flags": "domcaps.language.target",
        "ReportOptions": "domcaps.language.target",
        "Target": "domcaps.language.target",
        "TargetOptions": "domcaps.language.target",
        "Reason": "domcaps.language.truth",
        "Truth": "domcaps.language.truth",
        "World": "domcaps.language.world",
        "NativeCommand": "domcaps.native.write",
        "NativeNeed": "domcaps.native.write",
        "NativeNote": "domcaps.native.write",
        "NativeOrigin": "domcaps.native.write",
        "Audit": "domcaps.report.audit",
        "AuditDifference": "domcaps.report.audit",
        "BrokenPromise": "domcaps.report.audit",
        "DomainCapabilities": "domcaps.report.capabilities",
        "Difference": "domcaps.report.diff",
        "DifferenceKind": "domcaps.report.difference_kinds",
        "Explanation": "domcaps.report.explain",
        "NeededChange": "domcaps.report.explain",
        "DeviceViews": "domcaps.report.view",
        "FeatureViews": "domcaps.report.view",
        "SectionView": "domcaps.report.view",
        "SectionViews": "domcaps.report.view",
        "TopViews": "domcaps.report.view",
        "shipped_names": "domcaps.facts.shipped",
        "Validation": "domcaps.validate.check",
        "DomainDifference": "domcaps.validate.compare",
        "DomainExplanation": "domcaps.validate.explain",
        "Use": "domcaps.validate.explain",
        "CountedCode": "domcaps.validate.summary",
        "Summary": "domcaps.validate.summary",
        "summarize": "domcaps.validate.summary",
        "Counts": "domcaps.verify.result",
        "Tried": "domcaps.verify.result",
        "TriedVerdict": "domcaps.verify.result",
        "Verification": "domcaps.verify.result",
        "TrialMessage": "domcaps.verify.whole.blame",
        "TrialReplacement": "domcaps.verify.whole.scene",
        "DomainTrial": "domcaps.verify.whole.trial",
    }

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(_HOMES.get(name, "domcaps.errors"))
        found = getattr(home, name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """List what is public."""
        return sorted(__all__)
