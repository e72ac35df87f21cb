"""What a guest has of its processor on the first host, it must have on the second one."""

from __future__ import annotations

import msgspec
import pytest

import domcaps
from domcaps.validate.compare import compare_domain, for_migration

ARCHITECTURES = ("x86_64", "aarch64", "ppc64", "s390x", "riscv64")


def domain(cpu: str = "", machine: str = "q35", arch: str = "x86_64", devices: str = "") -> str:
    return (
        "<domain type='kvm'><name>a</name><memory>1048576</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>{cpu}"
        f"<devices>{devices}</devices></domain>"
    )


def the_cpu(found: domcaps.DomainDifference) -> domcaps.CpuDifference:
    assert found.cpu is not None
    return found.cpu


OLDER = ("debian13-x86_64", "debian12-x86_64")
"""Hosts of which the second one cannot give what the first one can."""
TOPOLOGY = "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>"
ERMS = "<feature policy='{}' name='erms'/>"


def compared(names: tuple[str, str], xml: str) -> domcaps.DomainDifference:
    one, other = (domcaps.Host.open(f"shipped:{name}") for name in names)
    found = domcaps.compare(one, other, xml, for_domain=True).domain
    assert found is not None
    return found


def older(cpu: str, hosts: tuple[str, str] | None = None) -> domcaps.DomainDifference:
    return compared(hosts or OLDER, domain(cpu, machine="pc-q35-7.2"))


@pytest.mark.parametrize("check", ["", " check='none'", " check='partial'"])
@pytest.mark.parametrize("model", ["Haswell", "Broadwell", "Skylake-Server", "Cascadelake-Server"])
def test_of_a_named_model(model: str, check: str) -> None:
    found = older(f"<cpu{check}><model>{model}</model></cpu>")
    cpu = the_cpu(found)
    assert (cpu.mode, cpu.model, cpu.is_known) == ("custom", model, True)
    assert "erms" in cpu.lost
    assert found.can_migrate is False
    assert found.obstacles == (f"the guest's processor would lose {', '.join(cpu.lost)}",)
    back = older(f"<cpu{check}><model>{model}</model></cpu>", (OLDER[1], OLDER[0]))
    assert (back.can_migrate, the_cpu(back).gained) == (True, cpu.lost)


@pytest.mark.parametrize("policy", ["require", "force", "optional"])
@pytest.mark.parametrize("model", ["qemu64", "pentium3", "kvm64"])
def test_of_a_feature_that_the_domain_names(model: str, policy: str) -> None:
    cpu = f"<cpu><model>{model}</model>{ERMS.format(policy)}</cpu>"
    found = older(cpu)
    assert the_cpu(found).lost == ("erms",)
    assert found.can_migrate is False
    (lack,) = (one for one in found.lacking if "erms" in one.path)
    assert lack.had is True
    assert "'erms'" in lack.what
    assert any("erms" in row.path for row in found.changes)
    back = older(cpu, (OLDER[1], OLDER[0]))
    assert (back.can_migrate, the_cpu(back).gained) == (True, ("erms",))


@pytest.mark.parametrize("hosts", [OLDER, (OLDER[0], OLDER[0]), (OLDER[1], OLDER[1])])
@pytest.mark.parametrize(
    "cpu", ["", "<cpu/>", "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>"]
)
def test_of_the_default_model(cpu: str, hosts: tuple[str, str]) -> None:
    found = older(cpu, hosts)
    assert (the_cpu(found).mode, the_cpu(found).model) == ("custom", "qemu64")
    assert (found.can_migrate, the_cpu(found).lost) == (True, ())


def test_what_both_lack_is_not_lost() -> None:
    for feature in ("amx-tile", "avx512f", "avx"):
        cpu = f"<cpu><model>qemu64</model><feature name='{feature}'/></cpu>"
        assert feature not in the_cpu(older(cpu)).lost


@pytest.mark.parametrize("policy", ["disable", "forbid"])
@pytest.mark.parametrize(
    "cpu",
    [
        "<cpu mode='host-model'>{}</cpu>",
        "<cpu mode='host-passthrough'>{}</cpu>",
        "<cpu mode='maximum'>{}</cpu>",
        "<cpu><model>Haswell</model>{}</cpu>",
        "<cpu match='minimum'><model>qemu64</model>{}</cpu>",
    ],
)
def test_what_is_disabled_is_not_lost(cpu: str, policy: str) -> None:
    with_it, without = older(cpu.format("")), older(cpu.format(ERMS.format(policy)))
    assert set(the_cpu(with_it).lost) - set(the_cpu(without).lost) == {"erms"}
    assert not [one for one in without.lacking if "erms" in one.path or "erms" in one.what]
    back = older(cpu.format(ERMS.format(policy)), (OLDER[1], OLDER[0]))
    assert "erms" not in the_cpu(back).gained


def test_what_is_required_of_the_host_is_lost() -> None:
    for mode in ("host-model", "host-passthrough", "maximum"):
        found = older(f"<cpu mode='{mode}'>{ERMS.format('require')}</cpu>")
        assert "erms" in the_cpu(found).lost
        assert any("erms" in one.path for one in found.lacking)


@pytest.mark.parametrize("name", ["debian12", "sid"])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_host_has_all_of_its_own_guests(arch: str, name: str) -> None:
    if not domcaps.Host.open(f"shipped:{name}-{arch}").has_emulator(arch):
        return
    boards = {"x86_64": "q35", "s390x": "s390-ccw-virtio", "ppc64": "pseries"}
    for kind in ("qemu", "kvm"):
        text = domain("", boards.get(arch, "virt"), arch).replace("'kvm'", f"'{kind}'", 1)
        found = compared((f"{name}-{arch}", f"{name}-{arch}"), text)
        if found.cpu is not None:
            assert (found.cpu.lost, found.cpu.gained) == ((), ())


def test_an_emulated_model_is_the_same_everywhere() -> None:
    for arch, model in (("aarch64", "cortex-a57"), ("riscv64", "rv64")):
        text = domain(f"<cpu><model>{model}</model></cpu>", "virt", arch)
        found = compared((f"sid-{arch}", f"sid-{arch}"), text.replace("'kvm'", "'qemu'", 1))
        assert (found.can_migrate, the_cpu(found).has_all) == (True, True)


def test_a_guest_that_never_ran_cannot_be_migrated() -> None:
    found = older("<cpu><model>EPYC-Genoa</model></cpu>", (OLDER[1], OLDER[0]))
    assert (found.before, found.after) == ("defined, but not started", "accepted")
    assert found.can_migrate is False
    assert found.obstacles[0].startswith("the guest cannot run on the first host: libvirt")


def test_a_missing_file_of_the_first_host_is_no_obstacle() -> None:
    text = domain(devices="<disk type='file'><source file='/no/such'/><target dev='vda'/></disk>")
    here = domcaps.Host.open(f"shipped:{OLDER[0]}")
    validation = here.validate(text)
    missing = domcaps.Finding(
        "disk-source-file-missing", "the image is not there", stage=domcaps.Stage.START
    )
    started = msgspec.structs.replace(validation, findings=(missing,))
    assert started.verdict == "defined, but not started"
    found = for_migration(compare_domain((started, validation), (None, None)))
    assert (found.can_migrate, found.obstacles) == (True, ())


@pytest.mark.parametrize(
    ("cpu", "can"),
    [("<cpu mode='host-model'/>", False), ("<cpu><model>qemu64</model></cpu>", None)],
)
def test_another_vendor(cpu: str, *, can: bool | None) -> None:
    same = older(cpu, (OLDER[0], OLDER[0]))
    other = msgspec.structs.replace(the_cpu(same), vendors=("Intel", "AMD"))
    found = for_migration(msgspec.structs.replace(same, cpu=other))
    assert found.can_migrate is can
    assert "different vendors" in found.obstacles[0]
    assert other.has_all is False


def test_a_lack_has_a_short_reason() -> None:
    found = older("<cpu><model>EPYC-Rome</model></cpu>")
    (lack,) = (one for one in found.lacking if one.path == "cpu.custom=EPYC-Rome")
    assert len(lack.why) > 10
    assert lack.short.count("; ") == 3
    assert lack.short.endswith(" more")
    for one in compared(("sid-x86_64", "debian12-x86_64"), domain()).lacking:
        assert bool(one.short) is bool(one.why)


@pytest.mark.parametrize("code", ["os-machine-unsupported", "os-machine", "ALL"])
@pytest.mark.parametrize("for_domain", [True, False])
def test_a_comment_that_leaves_findings_out_answers_nothing(code: str, *, for_domain: bool) -> None:
    """A comment is for who checks a document; libvirt does not read it."""
    text = (
        f"<domain type='kvm'><!-- domcaps: ignore {code} --><name>domcaps: a</name><memory>65536"
        "</memory><os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os></domain>"
    )
    old, new = (domcaps.Host.open(f"shipped:debian{n}-x86_64") for n in (12, 13))
    found = domcaps.compare(new, old, text, for_domain=for_domain).domain
    assert found is not None
    assert found.after == "refused"
    assert found.validation_after.source == text.encode()
    assert not found.can_migrate
    assert [lack.finding and lack.finding.code for lack in found.lacking] == [
        "os-machine-unsupported"
    ]
