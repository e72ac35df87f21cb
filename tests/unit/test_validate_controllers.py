"""Controllers and the buses behind them, beyond the samples of the rules."""

from __future__ import annotations

import pytest

from verdicts import Case, fine, wrong


def controller(kind: str, said: str = "", inside: str = "") -> str:
    return f"<controller type='{kind}' {said}>{inside}</controller>"


def pci(model: str, inside: str = "", index: str = "1") -> str:
    return controller("pci", f"model='{model}' index='{index}'", inside)


def card(address: str) -> str:
    return (
        f"<interface type='user'><model type='virtio'/><address type='pci' {address}/></interface>"
    )


def usb(port: str, bus: str = "0", kind: str = "<input type='tablet' bus='usb'>", end: str = "input"
        ) -> str:  # fmt: skip
    return f"{kind}<address type='usb' bus='{bus}' port='{port}'/></{end}>"


def channel(said: str) -> str:
    return f"<channel type='pty'><target type='virtio'/><address type='virtio-serial' {said}/></channel>"  # noqa: E501


def console(said: str) -> str:
    return channel(said).replace("channel", "console")


MODELS = [
    fine("SCSI controllers have numbers", controller("scsi", "index='0'")
         + controller("scsi", "index='1'")),
    wrong("a number is given once", controller("scsi", "index='1'") * 2,
          "controller-index-duplicate"),
    wrong("no SCSI controller suits a bare QEMU", controller("scsi"),
          "controller-scsi-model-unsupported", release="bare"),
    fine("virtual boards have virtio-scsi", controller("scsi"), arch="riscv64"),
    fine("a mainframe has no USB", controller("usb"), arch="s390x"),
    fine("older releases, too", controller("usb"), arch="s390x", dialect="11.3"),
    fine("LoongArch has XHCI", controller("usb"), arch="loongarch64"),
    fine("in older releases, too", controller("usb"), arch="loongarch64", dialect="11.3"),
    fine("an EHCI controller of Q35 has companions", controller("usb", "model='ich9-ehci1'")
         + "<input type='tablet' bus='usb'/>", machine="q35"),
]  # fmt: skip

BUS = "<target busNr='4'>{}</target>"
ROOT = controller("pci", "index='0' model='pcie-root'", "{}")
OPTIONS = [
    wrong("hot-plug is on or off", pci("pcie-root-port", "<target hotplug='maybe'/>"),
          "controller-target-invalid", machine="q35"),
    wrong("a node has a number", pci("pci-expander-bus", "<target><node>one</node></target>"),
          "controller-target-invalid", machine="pc"),
    fine("a virtual board of ARM has a hole", ROOT.format("<pcihole64 unit='KiB'>1024</pcihole64>"),
         arch="aarch64", machine="virt"),
    fine("a PC has one", ROOT.format("<pcihole64 unit='KiB'>1048576</pcihole64>"), machine="q35"),
    wrong("there are 256 buses", pci("pcie-root-port", index="256"),
          "controller-pci-index-invalid", machine="q35"),
    wrong("0 is the root", pci("pci-bridge", index="0"), "controller-pci-index-invalid",
          "controller-pci-root-wrong", "controller-pci-bridge-order", machine="q35"),
    fine("memory that grows makes a node", "<maxMemory slots='2'>4194304</maxMemory>"
         + pci("pcie-expander-bus", "<target><node>0</node></target>"), machine="q35"),
]  # fmt: skip

PLACES = [
    wrong("there is one PCI domain", card("domain='0x0001' bus='0' slot='3' function='0'"),
          "pci-address-unavailable", machine="pc"),
    fine("a bridge is added for a bus", card("bus='0x01' slot='3' function='0'"), machine="pc"),
    wrong("a bus cannot be left out where no bridge is added",
          pci("pcie-root-port", index="1") + card("bus='0x01' slot='3' function='0'"),
          "pci-address-unavailable", machine="q35"),
    wrong("a board without PCI has no bus", card("bus='0' slot='3' function='0'"),
          "pci-address-unavailable", machine="isapc"),
    fine("an old bus beside the new one", pci("dmi-to-pci-bridge", index="1")
         + "<interface type='user'><model type='e1000'/></interface>", machine="q35"),
]  # fmt: skip

HUB = "<hub type='usb'>"
USB = [
    wrong("there is no such bus", usb("1", "3"), "usb-port-unavailable"),
    wrong("a port of no hub", usb("9.1"), "usb-port-unavailable"),
    wrong("nothing is behind a device", usb("1") + usb("1.1"), "usb-port-unavailable"),
    fine("something is behind a hub", usb("1", kind=HUB, end="hub") + usb("1.1")),
    fine("a hub is added where there are too many", usb("1")
         + "<input type='tablet' bus='usb'/>" * 7),
    fine("any bus with a port will do", controller("usb", "index='0' model='piix3-uhci'")
         + controller("usb", "index='1' model='piix3-uhci'")
         + usb("1") + usb("2") + "<input type='tablet' bus='usb'/>" * 2),
]  # fmt: skip

SERIAL = controller("virtio-serial", "index='0' ports='2'")
PORTS = [
    wrong("there is no such controller", SERIAL + channel("controller='-1' bus='0' port='1'"),
          "address-number-invalid"),
    wrong("a controller has so many ports", SERIAL + channel("controller='0' bus='0' port='2'"),
          "virtio-serial-port-unavailable"),
    wrong("a port is taken once", SERIAL + channel("controller='0' bus='0' port='1'") * 2,
          "virtio-serial-port-unavailable"),
    wrong("no port is left", SERIAL + channel("controller='0'") * 2,
          "virtio-serial-port-unavailable"),
]  # fmt: skip


@pytest.mark.parametrize("case", [*MODELS, *OPTIONS, *PLACES, *USB, *PORTS])
def test_what_is_found_of_controllers(case: Case) -> None:
    assert case.found() == case.codes
