"""``<tpm>``: the guest's trusted platform module.

::

    <tpm model='tpm-crb'>
      <backend type='emulator' version='2.0'/>
    </tpm>
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.advice.remedies import install
from domcaps.elements.base.device import Device
from domcaps.elements.boards.defaults import tpm_model
from domcaps.elements.boards.families import PPC64, X86
from domcaps.facts.host import TPM_PROGRAMS
from domcaps.language import ALWAYS, AnyChoice, Choice, Drift, Element, Enum
from domcaps.language.attributes import Attributes
from domcaps.language.changes.devices import (
    TPM_ARM_2_0,
    TPM_BANKS,
    TPM_DEFAULT_2_0,
    TPM_REPORTED,
    TPM_STATE_PLACE,
    TPM_TYPES,
)
from domcaps.language.fix import Fix, Substitutes, set_value
from domcaps.language.lazy import cached_property
from domcaps.language.node_path import tag_of
from domcaps.language.observed import EmulatorFact, HostFact, device, qom_type
from domcaps.language.part import field
from domcaps.language.predicate import AllOf
from domcaps.language.preference import NEEDS_EFI, Decision, Option, both, family
from domcaps.language.qemu_args import Alternatives, HelperProcess, NotTriable, QemuArgs
from domcaps.language.quantities import ANY_UUID
from domcaps.language.require import lacks, libvirt_reads, needs
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import UNSIGNED, YES_NO, OneOf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language.predicate import Predicate


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _model(name: str) -> Predicate:
    return EmulatorFact(
        f"QEMU has the TPM model {name!r}", "query-tpm-models", lambda e: name in e.tpm_models,
        lambda e: _listed(e.tpm_models), "[]",
    )  # fmt: skip


def _backend(name: str) -> Predicate:
    # QEMU answers the question for back ends also where it can emulate no TPM at all
    return EmulatorFact(
        f"QEMU has TPM models and the back end {name!r}",
        "query-tpm-models, query-tpm-types",
        lambda e: bool(e.tpm_models) and name in e.tpm_types,
        lambda e: f"{_listed(e.tpm_models)}; {_listed(e.tpm_types)}",
        "[]",
    )


def _version(number: str) -> Predicate:
    return HostFact(
        f"swtpm can set up a TPM {number}",
        "swtpm_setup --print-capabilities",
        lambda host: number in (host.tpm_versions or ()),
        lambda host: _listed(host.tpm_versions or ()),
        "features",
        install("swtpm-tools"),
    )


def _program(name: str) -> HostFact:
    return HostFact(
        f"the program {name} is installed",
        f"the program {name}",
        lambda host: host.helper(name) is not None,
        lambda host: ((found := host.helper(name)) and found.path) or f"{name} is not installed",
        "PATH",
        install("swtpm" if name == "swtpm" else "swtpm-tools"),
    )


SWTPM = AllOf(tuple(_program(name) for name in TPM_PROGRAMS))
"""Emulating a TPM takes three programs, of two packages."""

_TIS = device("tpm-tis", "tpm-tis-device", "tpm-tis-i2c")
_EMULATOR = SWTPM & qom_type("tpm-emulator")

_PASSTHROUGH_SAMPLE = "<backend type='passthrough'><device path='/dev/tpm0'/></backend>"

_NO_BACK_END = Drift(
    title="TPM models without a back end",
    says="TPM models are listed if QEMU has the device",
    but="each model needs a back end: swtpm, or the host's TPM (for which QEMU must be "
    "built for Linux)",
    evidence="QEMU 9.2 for macOS lists tpm-tis-device and no type tpm-passthrough; without swtpm "
    "no domain with a TPM can be defined there",
    instead="install swtpm (on Debian: swtpm and swtpm-tools)",
    targets="hosts without swtpm and without a TPM",
)

_SWTPM = (
    "-chardev socket,id={id}c,path={dir}/swtpm -tpmdev emulator,id={id}t,chardev={id}c "
    "-device DEVICE,tpmdev={id}t"
)


def _args(
    *devices: str, version: str = "2.0", needed: bool = True, when: Predicate = ALWAYS
) -> tuple[QemuArgs, ...]:
    """Tell of an emulated TPM, as one of these devices.

    The emulator is `needed` where the choice is about it, not about the device.
    """
    helper = HelperProcess(
        "swtpm",
        f"socket {'--tpm2 ' if version == '2.0' else ''}--tpmstate dir={{dir}} "
        "--ctrl type=unixio,path={dir}/swtpm --flags not-need-init",
        "swtpm",
        needed,
    )
    return tuple(
        QemuArgs(_SWTPM.replace("DEVICE", name), helper=helper, when=when) for name in devices
    )


_ANY_DEVICE = ("tpm-tis", "tpm-tis-device", "tpm-spapr")
_INCOMPLETE = NotTriable(
    "libvirt wants swtpm, swtpm_setup and swtpm_ioctl, of which one is missing", when=~SWTPM
)
_EMULATED_ARGS: Alternatives = (*_args(*_ANY_DEVICE, when=SWTPM), _INCOMPLETE)
_OLD_ARGS: Alternatives = (*_args(*_ANY_DEVICE, version="1.2", when=SWTPM), _INCOMPLETE)
_PASSED_TOLD = tuple(
    QemuArgs(
        f"-tpmdev passthrough,id={{id}}t,path=/dev/tpm0 -device {name},tpmdev={{id}}t",
        alone=True,
        lacks=(("Cannot access TPM device", "the host has no TPM that can be passed through"),),
    )
    for name in _ANY_DEVICE
)
_TIS_ARGS = _args("tpm-tis", "tpm-tis-device", "tpm-tis-i2c", needed=False)
_CRB_ARGS = _args("tpm-crb", needed=False)
_SPAPR_ARGS = _args("tpm-spapr", needed=False)
_PROXY_TOLD = QemuArgs("-device spapr-tpm-proxy,host-path=/dev/tpmrm0", alone=True)

SUBSTITUTES = Substitutes(
    "devices/tpm/@model",
    order={
        "tpm-crb": ("tpm-tis", "tpm-spapr"),
        "tpm-tis": ("tpm-crb", "tpm-spapr"),
        "tpm-spapr": ("tpm-tis", "tpm-crb"),
        "*": ("tpm-crb", "tpm-tis", "tpm-spapr"),
    },
)

# an emulated TPM holds the guest's own keys: the host's TPM, or one of another program, is another
BACKEND_SUBSTITUTES = Substitutes(
    "devices/tpm/backend/@type", order={"*": ()}, slips={"swtpm": "emulator"}
)


MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice(
            "tpm-tis",
            _model("tpm-tis"),
            until=TPM_TYPES,
            drifts=(_NO_BACK_END,),
            qemu_args=_TIS_ARGS,
        ),
        Choice("tpm-tis", _TIS, since=TPM_TYPES, drifts=(_NO_BACK_END,), qemu_args=_TIS_ARGS),
        Choice("tpm-crb", _model("tpm-crb"), until=TPM_TYPES, qemu_args=_CRB_ARGS),
        Choice("tpm-crb", device("tpm-crb"), since=TPM_TYPES, qemu_args=_CRB_ARGS),
        Choice(
            "tpm-spapr",
            device("tpm-spapr") | _model("tpm-spapr"),
            until=TPM_TYPES,
            qemu_args=_SPAPR_ARGS,
        ),
        Choice(
            "tpm-spapr",
            device("tpm-spapr"),
            since=TPM_TYPES,
            qemu_args=_SPAPR_ARGS,
        ),
        Choice("spapr-tpm-proxy", device("spapr-tpm-proxy"), qemu_args=_PROXY_TOLD),
    ),
    sample=f"<tpm model='{{value}}'>{_PASSTHROUGH_SAMPLE}</tpm>",
)

_EXTERNAL_SAMPLE = (
    "<tpm><backend type='external'><source type='unix' mode='connect' path='/a'/></backend></tpm>"
)

BACKEND_MODEL = Enum(
    "backendModel",
    attribute="backend/@type",
    choices=(
        Choice("passthrough", _backend("passthrough"), until=TPM_TYPES, qemu_args=_PASSED_TOLD),
        Choice("passthrough", qom_type("tpm-passthrough"), since=TPM_TYPES, qemu_args=_PASSED_TOLD),
        Choice("emulator", SWTPM & _backend("emulator"), until=TPM_TYPES),
        Choice("emulator", _EMULATOR, since=TPM_TYPES),
        Choice("external", SWTPM & _backend("emulator"), until=TPM_TYPES, sample=_EXTERNAL_SAMPLE),
        Choice("external", _EMULATOR, since=TPM_TYPES, sample=_EXTERNAL_SAMPLE),
    ),
    qemu_args=_EMULATED_ARGS,
)

_OLD_TPM = Drift(
    title="TPM 1.2 with a model other than tpm-tis",
    says="backendVersion 1.2 is listed if swtpm supports it",
    but="only the model tpm-tis on x86 supports TPM 1.2; libvirt refuses every other model",
    evidence="libvirt refuses to define a domain with version='1.2' and the model tpm-crb, and one "
    "with version='1.2' on another architecture",
    instead="use version='2.0', or the model tpm-tis on x86",
)

BACKEND_VERSION = Enum(
    "backendVersion",
    attribute="backend/@version",
    only_if_any=True,
    sample="<tpm><backend type='emulator' version='{value}'/></tpm>",
    choices=(
        Choice(
            "1.2",
            _version("1.2"),
            drifts=(_OLD_TPM,),
            qemu_args=_OLD_ARGS,
        ),
        Choice("2.0", _version("2.0"), qemu_args=_EMULATED_ARGS),
    ),
)

_WANTED = both(NEEDS_EFI, family("windows"))

PREFERENCE = Decision(
    "tpm.model",
    MODEL,
    order=90,
    title="the trusted platform module",
    xml="<tpm model='{value}'><backend type='emulator' version='2.0'/></tpm>",
    options=(
        Option("tpm-crb", "the guest expects a TPM 2.0", guest=_WANTED, when=X86),
        Option("tpm-tis", "the guest expects a TPM 2.0", guest=_WANTED),
        Option("", "nothing asks for it"),
        Option("tpm-crb", "the interface of TPM 2.0", when=X86),
        Option("tpm-tis", "the older interface"),
        Option("tpm-spapr", "the one of the board"),
    ),
)

ELEMENT = Element(
    "tpm",
    order=70,
    since=TPM_REPORTED,
    supported=AnyChoice(MODEL),
    content=(MODEL, BACKEND_MODEL, BACKEND_VERSION),
)

_VERSIONS = OneOf(("1.2", "2.0"))
_BANKS = ("sha1", "sha256", "sha384", "sha512")
_PROXY = "spapr-tpm-proxy"
# what is said of the back end 'emulator' and overlooked with others
_EMULATED_BACKEND = Attributes(
    {"version": _VERSIONS, "debug": UNSIGNED, "persistent_state": YES_NO}
)
_ENCRYPTION = Attributes({"secret": ANY_UUID})
_PROFILE = Attributes({"removeDisabled": OneOf(("check", "fips-host"))}, required=("source",))
_STATE = Attributes({"type": OneOf(("file", "dir"))}, required=("type", "path"))

_EMULATED = "<backend type='emulator' version='{}'/>"
_PASSED = "<backend type='passthrough'/>"


class Tpm(Device):
    """A trusted platform module."""

    path = "devices/tpm"

    named = field("@model", choice=MODEL)
    backend = field("backend/@type", choice=BACKEND_MODEL, defined=TPM_REPORTED)

    @cached_property
    def model(self) -> str:
        """The model, libvirt's default where none is named."""
        return tpm_model(self.node, self.domain)

    @cached_property
    def version(self) -> str:
        """The version of an emulated one, libvirt's default where none is named."""
        backend = self.find("backend")
        named = "" if backend is None else backend.get("version", "")
        if named:
            return named
        return "1.2" if self.model == "tpm-tis" and self.holds(X86) else "2.0"


@rule(
    "tpm-backend-count",
    Tpm,
    bad="<tpm model='tpm-crb'/>",
    good=f"<tpm model='tpm-crb'>{_PASSED}</tpm>",
)
def one_backend(tpm: Tpm) -> Problems:
    """``<tpm>`` needs exactly one ``<backend>``, with the attribute ``type``."""
    backends = tpm.find_all("backend")
    if len(backends) != 1:
        way = "remove this one" if backends else "add <backend type='emulator' version='2.0'/>"
        message = f"<tpm> needs exactly one <backend>; {way}"
        yield problem(message, backends[1] if backends else tpm)
    elif backends[0].get("type") is None:
        yield problem(
            "<backend> needs the attribute 'type', such as 'emulator'", backends[0], "@type",
            accepted=[choice.name for choice in BACKEND_MODEL.choices],
        )  # fmt: skip


_SOURCE = "<source type='unix' mode='connect' path='/a'/>"


@rule(
    "tpm-source-duplicate",
    Tpm,
    bad=f"<tpm><backend type='external'>{_SOURCE * 2}</backend></tpm>",
    good=_EXTERNAL_SAMPLE,
)
def one_source(tpm: Tpm) -> Problems:
    """``<backend type='external'>`` of a TPM must have exactly one ``<source>``."""
    sources = tpm.find_all("backend[@type='external']/source")
    if len(sources) > 1:
        yield problem(
            "<backend type='external'> must have exactly one <source>; remove the others",
            sources[1],
        )


@rule(
    "tpm-emulator-invalid",
    Tpm,
    bad=f"<tpm>{_EMULATED.format('3.0')}</tpm>",
    good=f"<tpm model='tpm-crb'>{_EMULATED.format('2.0')}</tpm>",
)
def emulator_is_described(tpm: Tpm) -> Problems:
    """Attributes and elements of ``<backend type='emulator'>`` must have valid values."""
    backend = tpm.find("backend")
    if backend is None or tpm.backend != "emulator":
        return
    yield from _EMULATED_BACKEND.problems(backend)
    yield from _ENCRYPTION.problems(backend.find("encryption"))
    if libvirt_reads(tpm, TPM_STATE_PLACE):
        yield from _PROFILE.problems(backend.find("profile"))
        yield from _STATE.problems(backend.find("source"))
    banks = backend.find("active_pcr_banks")
    for bank in () if banks is None else banks.iterchildren("*"):
        if bank.tag not in _BANKS:
            yield problem(f"<{tag_of(bank)}> is not a known PCR bank", bank, accepted=_BANKS)


@rule(
    "tpm-version-unsupported",
    Tpm,
    bad=f"<tpm model='tpm-crb'>{_EMULATED.format('1.2')}</tpm>",
    good=f"<tpm model='tpm-crb'>{_EMULATED.format('2.0')}</tpm>",
)
def version_can_be_set_up(tpm: Tpm) -> Problems:
    """Attribute ``version`` of ``<backend>`` must be one that swtpm supports; ``1.2`` is only
    for the model ``tpm-tis`` on x86.
    """
    if tpm.backend != "emulator" or tpm.version not in _VERSIONS.names:
        return
    at = "backend/@version"
    choice = BACKEND_VERSION.find(tpm.version, tpm.domain.world.target.dialect)
    emulated = BACKEND_MODEL.find("emulator", tpm.domain.world.target.dialect)
    # without swtpm no version is supported: the finding of the back end says it
    without = emulated is not None and lacks(tpm, emulated.when)
    if choice is not None and libvirt_reads(tpm, TPM_REPORTED) and not without:
        message = f"swtpm on this host does not support TPM {tpm.version}"
        yield from needs(tpm, choice.when, message, at)
    fits = tpm.model == "tpm-tis" and (tpm.holds(X86) or not libvirt_reads(tpm, TPM_ARM_2_0))
    if tpm.version == "1.2" and not fits:
        yield problem(
            f"<tpm model={tpm.model!r}> for {tpm.domain.arch} guests supports only version='2.0'",
            tpm,
            at,
            accepted=["2.0"],
            # another version is another TPM; the model is only how the guest talks to it
            fix=set_value("tpm-tis", "../@model") if tpm.holds(X86) else (),
        )


@rule(
    "tpm-banks-unsupported",
    Tpm,
    bad="<tpm><backend type='emulator' version='1.2'><active_pcr_banks><sha256/>"
    "</active_pcr_banks></backend></tpm>",
    good="<tpm><backend type='emulator' version='2.0'><active_pcr_banks><sha256/>"
    "</active_pcr_banks></backend></tpm>",
)
def banks_and_profile_need_2_0(tpm: Tpm) -> Problems:
    """``<active_pcr_banks>`` and ``<profile>`` of a TPM require ``<backend version='2.0'>``."""
    if tpm.backend != "emulator" or tpm.version == "2.0":
        return
    banks = tpm.find("backend/active_pcr_banks")
    if banks is not None and len(banks) and libvirt_reads(tpm, TPM_BANKS):
        yield problem("<active_pcr_banks> requires version='2.0'", banks)
    profile = tpm.find("backend/profile")
    if profile is not None and profile.get("source"):
        yield problem("<profile> requires version='2.0'", profile)


@rule(
    "tpm-default-unsupported",
    Tpm,
    bad=Sample(f"<tpm>{_PASSED}</tpm>", arch="s390x"),
    good=f"<tpm>{_PASSED}</tpm>",
)
def default_is_there(tpm: Tpm) -> Problems:
    """QEMU must support the default model and version of ``<tpm>``.

    Older libvirt fills in version 1.2 before it fills in the model for POWER, which does not
    support 1.2.
    """
    backend = tpm.find("backend")
    older = tpm.holds(PPC64) and not libvirt_reads(tpm, TPM_DEFAULT_2_0)
    if older and tpm.named is None and backend is not None and not backend.get("version"):
        yield problem(
            f"set the model or the version: the default <tpm model={tpm.model!r}> "
            "does not support 1.2",
            tpm,
            "@model",
        )
    choice = MODEL.find(tpm.model, tpm.domain.world.target.dialect)
    if tpm.named is None and choice is not None:
        message = (
            f"<tpm> defaults to model {tpm.model!r}, which this QEMU does not have; "
            "set another model"
        )
        yield from needs(tpm, choice.when, message, "@model")


@rule(
    "tpm-proxy-backend-unsupported",
    Tpm,
    bad=Sample(f"<tpm model='{_PROXY}'>{_EMULATED.format('2.0')}</tpm>", arch="ppc64"),
    good=Sample(f"<tpm model='{_PROXY}'>{_PASSED}</tpm>", arch="ppc64"),
)
def proxy_is_passed_through(tpm: Tpm) -> Problems:
    """``<tpm model='spapr-tpm-proxy'>`` requires ``<backend type='passthrough'>``."""
    if tpm.model == _PROXY and tpm.backend != "passthrough" and tpm.holds(PPC64):
        yield problem(
            f"<tpm model={_PROXY!r}> requires <backend type='passthrough'>", tpm, "backend/@type",
            accepted=["passthrough"],
        )  # fmt: skip


@rule(
    "tpm-several",
    Tpm,
    bad=f"<tpm>{_PASSED}</tpm><tpm>{_PASSED}</tpm>",
    good=f"<tpm>{_PASSED}</tpm>",
)
def one_tpm_and_one_proxy(tpm: Tpm) -> Problems:
    """A domain may have at most one ``<tpm>``, and one more of model ``spapr-tpm-proxy``."""
    same = [t for t in tpm.domain.all(Tpm) if (t.model == _PROXY) == (tpm.model == _PROXY)]
    if same[0].node is not tpm.node:
        message = (
            f"the domain has a second TPM{' proxy' if tpm.model == _PROXY else ''}; remove one"
        )
        yield problem(message, tpm, fix=Fix(without=("",)))
