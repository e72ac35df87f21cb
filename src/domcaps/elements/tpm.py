"""``<tpm>``: the guest's trusted platform module.

::

    <tpm model='tpm-crb'>
      <backend type='emulator' version='2.0'/>
    </tpm>
"""

from domcaps.language import AnyChoice, Choice, Drift, Element, Enum
from domcaps.language.observed import EmulatorFact, HostFact, device, qom_type
from domcaps.language.predicate import Predicate


def _model(name: str) -> Predicate:
    return EmulatorFact(
        f"QEMU has the TPM model {name!r}", "query-tpm-models", lambda e: name in e.tpm_models
    )


def _backend(name: str) -> Predicate:
    # QEMU answers the question for back ends also where it can emulate no TPM at all
    return EmulatorFact(
        f"QEMU has TPM models and the back end {name!r}",
        "query-tpm-models, query-tpm-types",
        lambda e: bool(e.tpm_models) and name in e.tpm_types,
    )


def _version(number: str) -> Predicate:
    return HostFact(
        f"swtpm can set up a TPM {number}",
        "swtpm_setup --print-capabilities",
        lambda host: number in (host.tpm_versions or ()),
    )


SWTPM = HostFact(
    "swtpm is installed",
    "the programs swtpm, swtpm_setup and swtpm_ioctl",
    lambda host: host.tpm_versions is not None,
)

# Older libvirt asks QEMU for its TPMs, 12.8 looks at the types. That it was 12.2 which changed is
# not proven: no QEMU is known of which the two say different things.
_TYPES_SINCE = "12.2"
_TIS = device("tpm-tis", "tpm-tis-device", "tpm-tis-i2c")
_EMULATOR = SWTPM & qom_type("tpm-emulator")

MODEL = Enum(
    "model",
    attribute="@model",
    choices=(
        Choice("tpm-tis", _model("tpm-tis"), until=_TYPES_SINCE),
        Choice("tpm-tis", _TIS, since=_TYPES_SINCE),
        Choice("tpm-crb", _model("tpm-crb"), until=_TYPES_SINCE),
        Choice("tpm-crb", device("tpm-crb"), since=_TYPES_SINCE),
        Choice("tpm-spapr", device("tpm-spapr") | _model("tpm-spapr"), until=_TYPES_SINCE),
        Choice("tpm-spapr", device("tpm-spapr"), since=_TYPES_SINCE),
        Choice("spapr-tpm-proxy", device("spapr-tpm-proxy")),
    ),
)

BACKEND_MODEL = Enum(
    "backendModel",
    attribute="backend/@type",
    choices=(
        Choice("passthrough", _backend("passthrough"), until=_TYPES_SINCE),
        Choice("passthrough", qom_type("tpm-passthrough"), since=_TYPES_SINCE),
        Choice("emulator", SWTPM & _backend("emulator"), until=_TYPES_SINCE),
        Choice("emulator", _EMULATOR, since=_TYPES_SINCE),
        Choice("external", SWTPM & _backend("emulator"), until=_TYPES_SINCE),
        Choice("external", _EMULATOR, since=_TYPES_SINCE),
    ),
)

BACKEND_VERSION = Enum(
    "backendVersion",
    attribute="backend/@version",
    only_if_any=True,
    choices=(
        Choice(
            "1.2",
            _version("1.2"),
            drift=Drift(
                says="backendVersion 1.2 is listed when swtpm can do it",
                but="only the model tpm-tis on x86 accepts a TPM 1.2; every other model is refused",
                evidence="defining a domain with tpm-crb, or any model on another architecture, "
                "and version='1.2' is refused by libvirt's own validation",
            ),
        ),
        Choice("2.0", _version("2.0")),
    ),
)

ELEMENT = Element(
    "tpm",
    order=70,
    supported=AnyChoice(MODEL),
    content=(MODEL, BACKEND_MODEL, BACKEND_VERSION),
)
