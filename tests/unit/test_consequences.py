"""One cause, one finding."""

from __future__ import annotations

import msgspec

from domcaps.language.finding import Finding, Stage
from domcaps.language.fix import Fix
from domcaps.validate.consequences import without_consequences
from plain_hosts import open_plain

_DOMAIN = (
    "<domain type='{}'><name>a</name><memory>1048576</memory><vcpu>{}</vcpu>"
    "<os{}><type arch='{}' machine='{}'>hvm</type>{}</os>{}</domain>"
)


def _finding(code: str, message: str, stage: Stage = Stage.DEFINE, fix: str = "") -> Finding:
    fixes = (Fix(values=(("@a", fix),)),) if fix else ()
    return Finding(code, message, stage=stage, fixes=fixes)


_CAUSE = _finding("vcpu-count-without-eim", "256 vCPUs need machine='q35'")
_CONSEQUENCE = msgspec.structs.replace(
    _finding("vcpu-count-unsupported", "at most 255", fix="255"), accepted=("255",)
)


def test_a_consequence_is_left_out_and_its_repair_kept() -> None:
    cause, consequence = _CAUSE, _CONSEQUENCE
    other = _finding("vcpu-count-zero", "<vcpu> is 0")
    (first, second) = without_consequences([cause, consequence, other])
    assert (first.code, first.fixes) == (cause.code, consequence.fixes)
    assert second is other
    assert without_consequences([consequence, other]) == [consequence, other]


def test_what_is_found_at_another_stage_stays() -> None:
    found = [msgspec.structs.replace(_CAUSE, stage=Stage.START), _CONSEQUENCE]
    assert without_consequences(found) == found


def test_a_domain_with_one_mistake_has_one_error() -> None:
    host = open_plain("sid-x86_64")
    cpu = "<cpu mode='maximum'/>"
    done = host.validate(_DOMAIN.format("qemu", 256, "", "x86_64", "pc", "", cpu))
    assert [finding.code for finding in done.findings] == ["vcpu-count-without-eim"]
    # the limit of another machine type is a fault of its own
    many = host.validate(_DOMAIN.format("qemu", 5000, "", "x86_64", "q35", "", cpu))
    assert "vcpu-count-unsupported" in [finding.code for finding in many.findings]
