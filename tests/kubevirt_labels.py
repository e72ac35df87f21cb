"""What KubeVirt's node labeller makes of libvirt's answers, stated as facts.

The labeller is a program in Go; nothing of it is here. It runs three commands of virsh
(`COMMANDS`), reads of their XML what this module reads, and labels the node so that the scheduler
finds it:

==============================================  ===============================================
label                                           comes from
==============================================  ===============================================
``cpu-model…/M``, ``cpu-model-migration…/M``    ``<model usable='yes'>`` of any mode of
                                                ``<domainCapabilities>``, unless `OBSOLETE`
``cpu-model-migration…/M``                      host-model's model, unless `OBSOLETE`
``host-model-cpu…/M``                           the same, whatever it is
``host-model-required-features…/F``             host-model's ``<feature policy='require'>``
``cpu-vendor…/V``                               host-model's ``<vendor>``; IBM on s390x
``cpu-feature…/F``                              features of the baseline with ``require``, on s390x
                                                also those without a policy
``cpu-timer…/tsc-frequency``, ``tsc-scalable``  ``<counter name='tsc'>`` of ``<capabilities>``
``machine-type…/M``                             machines of the guest of the host's processor
``kubevirt.io/sev``, ``-es``                    ``<sev supported='yes'>``, more than no maxESGuests
``kubevirt.io/sev-snp``, ``tdx``                ``sectype`` of launchSecurity, ``<tdx>``
==============================================  ===============================================

Besides labels it keeps the NUMA cells with their CPUs, pages and distances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element as Node

NODE = "node.kubevirt.io/"
_OLD = (
    "486", "pentium", "pentium2", "pentium3", "pentiumpro", "coreduo", "n270", "core2duo", "Conroe",
    "athlon", "phenom", "qemu64", "qemu32", "kvm64", "kvm32", "Opteron_G1", "Opteron_G2",
)  # fmt: skip
OBSOLETE = frozenset(_OLD) | {f"{name}-v1" for name in _OLD}
"""Models that clusters do without, if nobody configures others."""

MACHINES = {"x86_64": "q35", "s390x": "s390-ccw-virtio", "aarch64": "virt"}
"""The machine type that is asked for."""


def labels(
    virsh: Callable[..., str], arch: str = "x86_64", virttype: str = "kvm"
) -> dict[str, str]:
    """Give the labels of the host that `virsh` asks: it takes a command's words, and its input."""
    target = ["--machine", MACHINES[arch], "--arch", arch, "--virttype", virttype]
    report = virsh("domcapabilities", *target)
    baseline = virsh("hypervisor-cpu-baseline", "--features", "/dev/stdin", *target, given=report)
    return read(report, baseline, virsh("capabilities"), arch)


def read(report: str, baseline: str, capabilities: str, arch: str) -> dict[str, str]:
    """Make labels of three documents."""
    host = etree.fromstring(capabilities.encode())
    return {
        **dict(_of_report(etree.fromstring(report.encode()), arch)),
        **dict(_of_baseline(etree.fromstring(baseline.encode()), arch)),
        **dict(_of_capabilities(host, arch)),
        **dict(_topology(host)),
    }


def _of_report(root: Node, arch: str) -> Iterator[tuple[str, str]]:
    """Tell of models, and of what they are for."""
    for model in root.iterfind("cpu/mode/model"):
        if model.get("usable") == "yes" and model.text not in OBSOLETE:
            yield f"cpu-model.{NODE}{model.text}", "true"
            yield f"cpu-model-migration.{NODE}{model.text}", "true"
    if arch != "aarch64":
        yield from _of_host_model(root.find("cpu/mode[@name='host-model']"), arch)
    yield from _of_guards(root)


def _of_host_model(mode: Node | None, arch: str) -> Iterator[tuple[str, str]]:
    if mode is not None:
        name = mode.findtext("model") or ""
        vendor = mode.findtext("vendor") or ("IBM" if arch == "s390x" else "")
        yield f"cpu-vendor.{NODE}{vendor}", "true"
        yield f"host-model-cpu.{NODE}{name}", "true"
        if name in OBSOLETE:
            yield "node-labeller.kubevirt.io/obsolete-host-model", "true"
        else:
            yield f"cpu-model-migration.{NODE}{name}", "true"
        for feature in mode.iterfind("feature[@policy='require']"):
            yield f"host-model-required-features.{NODE}{feature.get('name')}", "true"


def _of_guards(root: Node) -> Iterator[tuple[str, str]]:
    """Tell of what guards a guest's memory."""
    sev = root.find("features/sev[@supported='yes']")
    if sev is not None:
        yield "kubevirt.io/sev", ""
        if int(sev.findtext("maxESGuests") or 0):
            yield "kubevirt.io/sev-es", ""
    if root.find("features/tdx[@supported='yes']") is not None:
        yield "kubevirt.io/tdx", ""
    types = root.iterfind("features/launchSecurity[@supported='yes']/enum[@name='sectype']/value")
    for kind in types:
        if kind.text in {"sev-snp", "s390-pv"}:
            yield f"kubevirt.io/{kind.text}", ""


def _of_baseline(root: Node, arch: str) -> Iterator[tuple[str, str]]:
    # more than one <cpu> has a root of its own around them
    for feature in root.iter("feature"):
        policy = feature.get("policy")
        if policy == "require" or (policy is None and arch == "s390x"):
            yield f"cpu-feature.{NODE}{feature.get('name')}", "true"


def _of_capabilities(root: Node, arch: str) -> Iterator[tuple[str, str]]:
    counter = root.find("host/cpu/counter[@name='tsc']")
    if counter is not None:
        scalable = {"yes": "true", "no": "false"}[counter.get("scaling") or ""]
        yield f"cpu-timer.{NODE}tsc-frequency", str(int(counter.get("frequency") or ""))
        yield f"cpu-timer.{NODE}tsc-scalable", scalable
    for machine in root.iterfind(f"guest/arch[@name='{arch}']/machine"):
        yield f"machine-type.{NODE}{machine.text}", "true"


def _topology(root: Node) -> Iterator[tuple[str, str]]:
    """Give what is kept of the NUMA cells, by words of our own."""
    for cell in root.iterfind("host/topology/cells/cell"):
        name = f"cell {cell.get('id')}"
        memory = cell.find("memory")
        if memory is not None:
            yield f"{name}: memory", f"{memory.text} {memory.get('unit')}"
        for pages in cell.iterfind("pages"):
            yield f"{name}: pages of {pages.get('size')} {pages.get('unit')}", str(pages.text)
        for other in cell.iterfind("distances/sibling"):
            yield f"{name}: distance to {other.get('id')}", str(other.get("value"))
        for cpu in cell.iterfind("cpus/cpu"):
            place = [str(cpu.get(key)) for key in ("socket_id", "die_id", "core_id", "siblings")]
            yield f"{name}: cpu {cpu.get('id')}", " ".join(place)
