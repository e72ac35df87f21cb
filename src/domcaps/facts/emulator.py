"""What one emulator can do: a typed, indexed, read-only view of its record.

Every accessor answers from what the emulator said. Where it was not asked, or could not answer
in time, `Unanswered` is raised: such a thing is unknown, which is neither yes nor no.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from domcaps.errors import UnansweredError
from domcaps.facts import bounded
from domcaps.facts.arch import from_qemu_target
from domcaps.facts.qapi import schema_of
from domcaps.facts.question import (
    QmpCommand,
    ask,
    cpu_expansion_of,
    object_properties_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domcaps.facts.qapi import QapiSchema
    from domcaps.facts.record import Answer, EmulatorRecord, Failure, ProbeSession

T = TypeVar("T")


class Unanswered(UnansweredError):  # noqa: N818 - the third truth value on its way up
    """A question was not asked of this emulator, or no answer came.

    Predicates make "unknown" of it. It is an error where nothing can be said without the answer,
    such as a list of the machine types.
    """

    def __init__(self, question: QmpCommand, failure: Failure | None) -> None:
        self.question = question
        self.failure = failure
        why = f"gave no usable answer to {question}: {failure.text}" if failure else ""
        super().__init__(
            f"the emulator {why or f'was not asked {question}'}",
            remedy="record the host again with this version of domcaps",
        )


class Property(msgspec.Struct, frozen=True):
    """A property of a device or object type, as QEMU lists it."""

    name: str
    type: str = ""
    default_value: Any = msgspec.field(name="default-value", default=None)


class MachineType(msgspec.Struct, frozen=True):
    """A machine type (QMP ``query-machines``)."""

    name: str
    alias: str = ""
    is_default: bool = msgspec.field(name="is-default", default=False)
    cpu_max: int = msgspec.field(name="cpu-max", default=0)
    hotpluggable_cpus: bool = msgspec.field(name="hotpluggable-cpus", default=False)
    numa_mem_supported: bool = msgspec.field(name="numa-mem-supported", default=False)
    deprecated: bool = False
    default_cpu_type: str = msgspec.field(name="default-cpu-type", default="")
    default_ram_id: str = msgspec.field(name="default-ram-id", default="")
    acpi: bool | None = None


class CpuDefinition(msgspec.Struct, frozen=True):
    """A CPU model as QEMU knows it (QMP ``query-cpu-definitions``).

    `unavailable_features` is None where QEMU can't tell whether the model can run here.
    """

    name: str
    typename: str = ""
    unavailable_features: tuple[str, ...] | None = msgspec.field(
        name="unavailable-features", default=None
    )
    deprecated: bool = False
    alias_of: str = msgspec.field(name="alias-of", default="")
    static: bool = False
    migration_safe: bool | None = msgspec.field(name="migration-safe", default=None)


class CpuExpansion(msgspec.Struct, frozen=True):
    """What a CPU model is made of (QMP ``query-cpu-model-expansion``)."""

    name: str
    props: dict[str, Any] = {}
    deprecated_props: tuple[str, ...] = ()


class Sev(msgspec.Struct, frozen=True):
    """AMD SEV as the platform offers it (QMP ``query-sev-capabilities``)."""

    cbitpos: int
    reduced_phys_bits: int = msgspec.field(name="reduced-phys-bits")
    pdh: str = ""
    cert_chain: str = msgspec.field(name="cert-chain", default="")
    cpu0_id: str = msgspec.field(name="cpu0-id", default="")


class SgxSection(msgspec.Struct, frozen=True):
    """One EPC section of SGX: its NUMA node and size in bytes."""

    node: int
    size: int


class Sgx(msgspec.Struct, frozen=True):
    """Intel SGX as the platform offers it (QMP ``query-sgx-capabilities``); sizes in bytes."""

    flc: bool
    sgx1: bool
    sgx2: bool
    section_size: int | None = msgspec.field(name="section-size", default=None)
    sections: tuple[SgxSection, ...] = ()


class GicCapability(msgspec.Struct, frozen=True):
    """One version of ARM's interrupt controller (QMP ``query-gic-capabilities``)."""

    version: int
    emulated: bool = False
    kernel: bool = False


class _Kvm(msgspec.Struct, frozen=True):
    enabled: bool = False
    present: bool = False


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Option(msgspec.Struct, frozen=True):
    option: str
    parameters: tuple[_Named, ...] = ()


class _Qemu(msgspec.Struct, frozen=True):
    major: int
    minor: int
    micro: int


class _Version(msgspec.Struct, frozen=True):
    qemu: _Qemu
    package: str = ""


class _Target(msgspec.Struct, frozen=True):
    arch: str


class _Model(msgspec.Struct, frozen=True):
    name: str
    props: dict[str, Any] = {}


class _Expansion(msgspec.Struct, frozen=True):
    model: _Model
    deprecated_props: tuple[str, ...] = msgspec.field(name="deprecated-props", default=())


ACCELERATORS = {"kvm": "kvm", "hvf": "hvf", "hyperv": "mshv", "qemu": "tcg"}
"""Accelerator of QEMU for each virtualization type of libvirt."""

LIBVIRT_SESSION = "libvirt"
"""The session of a partial recording that holds libvirt's reports (`question.report_of`)."""


class EmulatorFacts:
    """One emulator's answers.

    Facts that don't depend on the accelerator come from the first session: the accelerated one
    where there is one. `is_there` is false of one that a host lacks (`validate/foreign.py`).
    """

    is_there = True

    def __init__(self, record: EmulatorRecord) -> None:
        self.record = record
        self._answers: dict[str, dict[QmpCommand, Answer]] = {}
        self._decoded: dict[tuple[str, QmpCommand], Any] = {}
        self._machines: dict[str, tuple[MachineType, ...]] = {}

    def __repr__(self) -> str:
        """Name the emulator."""
        return f"<EmulatorFacts {self.path}>"

    # -- finding an answer ---------------------------------------------------------------------

    def _session(self, accelerator: str) -> ProbeSession | None:
        for session in self.record.sessions:
            if session.accelerator == accelerator:
                return session
        return None

    def answer(self, question: QmpCommand, accelerator: str = "") -> Answer:
        """Give the answer as it was recorded; raises `Unanswered` where there is none.

        `accelerator` is ``kvm``, ``hvf``, ``mshv`` or ``tcg``; "" is that of the first session.
        """
        name = accelerator or self.first_accelerator
        answers = self._answers.get(name)
        if answers is None:
            session = self._session(name)
            listed = session.answers if session else ()
            answers = self._answers[name] = {a.question: a for a in listed}
        found = answers.get(question)
        if found is None or (found.failure is not None and not found.failure.is_answer):
            raise Unanswered(question, found.failure if found else None)
        return found

    def _ask(self, question: QmpCommand, kind: type[T], accelerator: str = "") -> T | None:
        """Give the decoded answer, None where the emulator refused the question."""
        name = accelerator or self.first_accelerator
        key = (name, question)
        if key not in self._decoded:
            found = self.answer(question, name)
            self._decoded[key] = None if found.failure else self._decode(found, kind)
        value: T | None = self._decoded[key]
        return value

    @staticmethod
    def _decode(found: Answer, kind: type[T]) -> T:
        from domcaps.facts.record import Failure  # only for the odd case

        try:
            decoded: T = bounded.decode(found.reply, kind)
            return decoded
        except (bounded.TooMuch, msgspec.DecodeError, ValueError) as error:
            failure = Failure("unreadable", f"the answer is not what QMP promises: {error}")
            raise Unanswered(found.question, failure) from error

    # -- who it is -----------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The path by which the emulator was started."""
        return self.record.path

    @cached_property
    def first_accelerator(self) -> str:
        """The accelerator of the first session that could be asked, "" where none could."""
        for session in self.record.sessions:
            if session.answers:
                return session.accelerator
        return ""

    @cached_property
    def version(self) -> tuple[int, int, int]:
        """Major, minor and micro version (QMP ``query-version``)."""
        found = self._ask(ask("query-version"), _Version)
        return (found.qemu.major, found.qemu.minor, found.qemu.micro) if found else (0, 0, 0)

    @property
    def version_text(self) -> str:
        """The version for people, ``unknown`` where only libvirt was asked and does not tell."""
        try:
            return ".".join(map(str, self.version))
        except Unanswered:
            return "unknown"

    @property
    def build_text(self) -> str:
        """The version for people, with the distribution's name of the build."""
        version = self.version_text
        return version if version == "unknown" else f"{version} {self.package}".rstrip()

    @cached_property
    def package(self) -> str:
        """The distribution's name of this build (QMP ``query-version``)."""
        found = self._ask(ask("query-version"), _Version)
        return found.package.strip() if found else ""

    @cached_property
    def arch(self) -> str:
        """Architecture of its guests, by libvirt's name (QMP ``query-target``)."""
        found = self._ask(ask("query-target"), _Target)
        return from_qemu_target(found.arch) if found else ""

    @cached_property
    def is_partial(self) -> bool:
        """Whether libvirt was asked, and not this QEMU: what libvirt does not say is unknown."""
        return self._session(LIBVIRT_SESSION) is not None

    # -- accelerators --------------------------------------------------------------------------

    @cached_property
    def virttypes(self) -> tuple[str, ...]:
        """Virtualization types it can serve here, the preferred one first."""
        found = []
        if self.kvm:
            found.append("kvm")
        # nothing else can have answered with these: see `domcaps.facts.process.questioning`
        found += [virttype for virttype in ("hvf", "hyperv") if self.serves(virttype)]
        if self.tcg:
            found.append("qemu")
        return tuple(found)

    @cached_property
    def kvm(self) -> bool:
        """Whether KVM is built in and was usable (QMP ``query-kvm``)."""
        if self._session("kvm") is None:
            return False
        try:
            state = self._ask(ask("query-kvm"), _Kvm, "kvm")
        except Unanswered:
            return False
        return state is not None and state.present and state.enabled

    @cached_property
    def kvm_unseen(self) -> bool:
        """Whether KVM is built in, but was out of reach of the process that probed."""
        if self._session("kvm") is not None:
            return False
        try:
            state = self._ask(ask("query-kvm"), _Kvm)
        except Unanswered:
            return False
        return state is not None and state.present

    @cached_property
    def tcg(self) -> bool:
        """Whether plain emulation is built in."""
        if self.is_partial:
            return self.serves("qemu")
        return "tcg-accel" in self.qom_types

    def serves(self, virttype: str) -> bool:
        """Tell whether a session with that virtualization type's accelerator was recorded."""
        session = self._session(ACCELERATORS.get(virttype, ""))
        return session is not None and bool(session.answers)

    # -- what it is made of --------------------------------------------------------------------

    @cached_property
    def qom_types(self) -> frozenset[str]:
        """Every QOM type (QMP ``qom-list-types``)."""
        found = self._ask(ask("qom-list-types"), tuple[_Named, ...])
        return frozenset(entry.name for entry in found or ())

    @cached_property
    def schema(self) -> QapiSchema:
        """The QAPI schema (QMP ``query-qmp-schema``)."""
        question = ask("query-qmp-schema")
        found = self.answer(question)
        try:
            bounded.require_values(bytes(found.reply))
            return schema_of(found.reply)
        except (bounded.TooMuch, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise Unanswered(question, found.failure) from error

    def properties(self, question: QmpCommand) -> Mapping[str, Property]:
        """Give the properties that the question lists, by name; none where it was refused."""
        key = ("properties", question)
        if key not in self._decoded:
            listed = self._ask(question, tuple[Property, ...])
            self._decoded[key] = {entry.name: entry for entry in listed or ()}
        properties: dict[str, Property] = self._decoded[key]
        return properties

    def object_properties(self, typename: str) -> Mapping[str, Property]:
        """Give the properties of a QOM type; nothing for a type that is not there."""
        return self.properties(object_properties_of(typename))

    @cached_property
    def command_line_options(self) -> Mapping[str, frozenset[str]]:
        """Parameters of each option group (QMP ``query-command-line-options``)."""
        found = self._ask(ask("query-command-line-options"), tuple[_Option, ...])
        return {o.option: frozenset(p.name for p in o.parameters) for o in found or ()}

    # -- machines and CPUs ---------------------------------------------------------------------

    def machines(self, virttype: str) -> tuple[MachineType, ...]:
        """Machine types in QEMU's order, without ``none`` (QMP ``query-machines``)."""
        if virttype == "kvm" and self.kvm_unseen:
            virttype = "qemu"
        if not self.serves(virttype):
            return ()
        known = self._machines.get(virttype)
        if known is None:
            accelerator = ACCELERATORS[virttype]
            listed = self._ask(ask("query-machines"), tuple[MachineType, ...], accelerator) or ()
            known = tuple(machine for machine in listed if machine.name != "none")
            self._machines[virttype] = known
        return known

    def cpu_definitions(self, accelerator: str) -> tuple[CpuDefinition, ...]:
        """CPU models in QEMU's order; nothing where this QEMU has no such question."""
        if self._session(accelerator) is None:
            if accelerator == "kvm" and self.kvm_unseen:
                raise Unanswered(ask("query-cpu-definitions"), None)
            return ()
        try:
            return (
                self._ask(ask("query-cpu-definitions"), tuple[CpuDefinition, ...], accelerator)
                or ()
            )
        except Unanswered:
            if self.schema.has("query-cpu-definitions"):
                raise
            return ()

    def cpu_expansion(
        self,
        name: str,
        accelerator: str,
        kind: str = "full",
        props: Mapping[str, Any] | None = None,
    ) -> CpuExpansion | None:
        """Give what a CPU model is made of; None where QEMU refused or has no such question."""
        question = cpu_expansion_of(name, kind, dict(props) if props else None)
        if accelerator == "kvm" and self.kvm_unseen:
            raise Unanswered(question, None)
        try:
            found = self._ask(question, _Expansion, accelerator)
        except Unanswered:
            if self.is_partial:
                raise
            return None
        if found is None:
            return None
        return CpuExpansion(found.model.name, found.model.props, found.deprecated_props)

    # -- platform features ---------------------------------------------------------------------

    @cached_property
    def tpm_models(self) -> frozenset[str]:
        """TPM front ends (QMP ``query-tpm-models``)."""
        return frozenset(self._ask(ask("query-tpm-models"), tuple[str, ...]) or ())

    @cached_property
    def tpm_types(self) -> frozenset[str]:
        """TPM back ends (QMP ``query-tpm-types``)."""
        return frozenset(self._ask(ask("query-tpm-types"), tuple[str, ...]) or ())

    @cached_property
    def sev(self) -> Sev | None:
        """AMD SEV of the platform, None where it has none."""
        return self._optional(ask("query-sev-capabilities"), Sev)

    @cached_property
    def sgx(self) -> Sgx | None:
        """Intel SGX of the platform, None where it has none."""
        return self._optional(ask("query-sgx-capabilities"), Sgx)

    @cached_property
    def gic(self) -> tuple[GicCapability, ...]:
        """Versions of ARM's interrupt controller."""
        return self._optional(ask("query-gic-capabilities"), tuple[GicCapability, ...]) or ()

    def _optional(self, question: QmpCommand, kind: type[T]) -> T | None:
        """Ask what only some targets have: a question that QEMU lacks is a no."""
        try:
            return self._ask(question, kind)
        except Unanswered:
            if self.schema.has(question.command):
                raise
            return None
