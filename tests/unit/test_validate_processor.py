"""CPUs, enlightenments and clocks, beyond the samples of the rules."""

from __future__ import annotations

import pytest

from verdicts import Case, fine, wrong


def cpu(inside: str = "", **attributes: str) -> str:
    said = "".join(f" {name}='{value}'" for name, value in attributes.items())
    return f"<cpu{said}>{inside}</cpu>"


def cache(mode: str, said: str) -> str:
    return cpu(f"<cache {said}/>", mode=mode)


CPUS = [
    fine("what can't migrate is left out", cpu(mode="host-passthrough", migratable="on"),
         virttype="kvm"),
    wrong("a QEMU that can't leave it out", cpu(mode="host-passthrough", migratable="on"),
          "cpu-migratable-unsupported", virttype="kvm", release="bare", arch="riscv64"),
    wrong("a vendor is that of a model", cpu("<vendor>Intel</vendor>", mode="custom"),
          "cpu-model-missing"),
    fine("the model of a machine can be checked", cpu(check="full"), machine="q35"),
    wrong("a machine without a model", cpu(check="full"), "cpu-model-missing", release="bare"),
    wrong("guests of ARM are not told so of caches", cache("maximum", "level='3' mode='emulate'"),
          "cpu-cache-unsupported", arch="aarch64"),
    wrong("caches of the host come with its CPU",
          cpu("<model>qemu64</model><cache mode='passthrough'/>", mode="custom"),
          "cpu-cache-unsupported"),
    wrong("all caches are disabled", cache("maximum", "level='3' mode='disable'"),
          "cpu-cache-unsupported"),
    wrong("guests of ARM are told no width",
          cpu("<maxphysaddr mode='emulate' bits='40'/>", mode="maximum"),
          "cpu-maxphysaddr-unsupported", arch="aarch64"),
    wrong("a QEMU without a model", cpu("<model>qemu64</model>", mode="custom"),
          "cpu-mode-unsupported", release="bare"),
    wrong("a QEMU that counts no dies",
          "<vcpu>2</vcpu>" + cpu("<topology sockets='1' dies='2' cores='1' threads='1'/>"),
          "cpu-topology-dies-unsupported", release="bare"),
]  # fmt: skip


def hyperv(inside: str, mode: str = "custom", clock: str = "") -> str:
    return f"<features><hyperv mode='{mode}'>{inside}</hyperv></features>{clock}"


CLOCK = "<clock><timer name='hypervclock' present='yes'/></clock>"
TIMED = "<vpindex state='on'/><synic state='on'/><stimer state='on'>{}</stimer>"
ENLIGHTENMENTS = [
    wrong("there is no such enlightenment", hyperv("<telepathy state='on'/>"),
          "features-hyperv-feature-invalid"),
    wrong("an enlightenment is on or off", hyperv("<relaxed state='dim'/>"),
          "features-hyperv-feature-invalid"),
    wrong("a timer has no such part", hyperv(TIMED.format("<fast state='on'/>"), clock=CLOCK),
          "features-hyperv-feature-invalid"),
    fine("a timer can be direct", hyperv(TIMED.format("<direct state='on'/>"), clock=CLOCK)),
    fine("parts of what is off are overlooked", hyperv("<stimer state='off'><fast/></stimer>")),
    fine("QEMU knows how often to try", hyperv("<spinlocks state='on'/>")),
    wrong("older releases want to be told", hyperv("<spinlocks state='on'/>"),
          "features-hyperv-spinlocks-invalid", dialect="11.8"),
    wrong("a number of tries is a number", hyperv("<spinlocks state='on' retries='many'/>"),
          "features-hyperv-spinlocks-invalid"),
    wrong("a vendor has a name", hyperv("<vendor_id state='on'/>"),
          "features-hyperv-vendor-id-invalid"),
    wrong("a vendor's name has no comma", hyperv("<vendor_id state='on' value='a,b'/>"),
          "features-hyperv-vendor-id-invalid"),
    wrong("a timer needs the clock", hyperv(TIMED.format("")),
          "features-hyperv-feature-dependency"),
    fine("older releases did not look", hyperv(TIMED.format("")), dialect="11.8"),
    wrong("flushing directly needs an APIC", hyperv(
        "<vpindex state='on'/><tlbflush state='on'><direct state='on'/></tlbflush>"),
        "features-hyperv-feature-dependency"),
    fine("flushing directly with an APIC", hyperv(
        "<relaxed state='on'/><vapic state='on'/><vpindex state='on'/>"
        "<tlbflush state='on'><direct state='on'/></tlbflush>")),
    wrong("what KVM does is on or off", "<features><kvm><hidden state='dim'/></kvm></features>",
          "features-kvm-feature-invalid"),
]  # fmt: skip


def timer(said: str) -> str:
    return f"<clock offset='utc'><timer {said}/></clock>"


TIMERS = [
    fine("KVM's timer catches up", timer("name='pit' tickpolicy='catchup'"), virttype="kvm"),
    wrong("a timer that can't catch up", timer("name='pit' tickpolicy='catchup'"),
          "clock-timer-tickpolicy-unsupported", release="bare"),
    wrong("a clock follows no boot", timer("name='rtc' track='boot'"),
          "clock-timer-attribute-unsupported"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*CPUS, *ENLIGHTENMENTS, *TIMERS])
def test_what_is_found_of_processors(case: Case) -> None:
    assert case.found() == case.codes
