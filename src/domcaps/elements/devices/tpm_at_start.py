"""What libvirt leaves to ``swtpm_setup``, which makes the state of an emulated TPM at its start.

Libvirt asks the program for its features, and starts no TPM that wants one that is not there. A
program that does not answer, as old ones do not, has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.elements.devices.tpm import SWTPM, Tpm
from domcaps.facts.helper_programs import may_answer_later
from domcaps.language.changes.devices import TPM_STATE_PLACE
from domcaps.language.finding import Stage
from domcaps.language.require import libvirt_reads
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_SETUP = "swtpm_setup"
_PROFILE, _PASSPHRASE = "cmdarg-profile", "cmdarg-pwdfile-fd"
_EMULATED = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'>{}</backend></tpm>"
_PROFILED = _EMULATED.format("<profile source='local:restricted'/>")


@rule(
    "tpm-setup-unsupported",
    Tpm,
    bad=Sample(_PROFILED, lacking=(f"helpers.{_PROFILE}",)),
    good=_PROFILED,
    stage=Stage.START,
)
def setup_can_make_the_state(tpm: Tpm) -> Problems:
    """``<profile>``, and ``<encryption>`` of a TPM's state, require a swtpm_setup that supports
    them.
    """
    world = tpm.domain.world
    if tpm.backend != "emulator" or world.truth(SWTPM) is not Truth.YES:
        return
    setup = world.host.helper(_SETUP)
    for node, feature in _wanted(tpm):
        if setup is None or feature in setup.features:
            continue
        if may_answer_later(setup):
            world.unknown.add(f"whether {_SETUP} supports <{node.tag}>: {setup.reason}")
            continue
        message = f"{_SETUP} on this host does not support <{node.tag}>; remove it"
        yield problem(message, node)


def _wanted(tpm: Tpm) -> Iterator[tuple[Node, str]]:
    """Give elements that need a feature of the program, each with the name of the feature."""
    profile = tpm.find("backend/profile")
    if profile is not None and profile.get("source") and libvirt_reads(tpm, TPM_STATE_PLACE):
        yield profile, _PROFILE
    encryption = tpm.find("backend/encryption")
    if encryption is not None and encryption.get("secret"):
        yield encryption, _PASSPHRASE
