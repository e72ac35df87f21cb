"""Devices in domains: what libvirt fills in, and what changed between its releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domcaps.language.rule import Sample
from domcaps.validate.catalogue.samples import domain_of
from sample_hosts import sample_host

if TYPE_CHECKING:
    from domcaps.validate.check import Validation

NEW, OLD = "12.8", "11.3"


def validate(xml: str, arch: str = "x86_64", machine: str = "", dialect: str = NEW) -> Validation:
    host = sample_host(arch, "sid", machine)
    assert host is not None
    return host.validate(domain_of(Sample(xml, arch=arch, machine=machine)), dialect)


def refused(xml: str, arch: str = "x86_64", machine: str = "", dialect: str = NEW) -> set[str]:
    return {f.code for f in validate(xml, arch, machine, dialect).errors}


class TestDefaults:
    """What is said of a device is held against what libvirt makes of it, not against nothing."""

    @pytest.mark.parametrize(
        ("arch", "machine", "is_virtio"),
        [
            ("x86_64", "q35", False),
            ("aarch64", "virt", True),
            ("riscv64", "virt", True),
            ("loongarch64", "virt", True),
            ("s390x", "s390-ccw-virtio", True),
            ("ppc64", "pseries", False),
            ("armv7l", "vexpress-a15", False),
        ],
    )
    def test_a_card_without_a_model(self, arch: str, machine: str, is_virtio: bool) -> None:
        card = "<interface type='user'><driver iommu='on'/></interface>"
        found = "interface-options-unsupported" in refused(card, arch, machine)
        assert found is not is_virtio

    def test_models_of_cards_are_known_in_any_case(self) -> None:
        card = "<interface type='user'><model type='VirtIO'/><driver queues='x'/></interface>"
        assert "interface-driver-invalid" in refused(card)

    def test_a_driver_of_another_model_is_overlooked(self) -> None:
        card = "<interface type='user'><model type='e1000'/><driver queues='x'/></interface>"
        assert refused(card) == set()

    @pytest.mark.parametrize(("arch", "machine"), [("x86_64", "q35"), ("aarch64", "virt")])
    def test_a_tpm_without_a_version(self, arch: str, machine: str) -> None:
        banks = "<backend type='emulator'><active_pcr_banks><sha256/></active_pcr_banks></backend>"
        found = refused(f"<tpm model='tpm-tis'>{banks}</tpm>", arch, machine)
        # the old model on x86 is a TPM 1.2, which has no banks to choose from
        assert ("tpm-banks-unsupported" in found) is (arch == "x86_64")

    @pytest.mark.parametrize(
        ("arch", "machine", "model"),
        [
            ("x86_64", "q35", "isa-serial"),
            ("aarch64", "virt", "pl011"),
            ("riscv64", "virt", "16550a"),
            ("s390x", "s390-ccw-virtio", "sclpconsole"),
            ("ppc64", "pseries", "spapr-vty"),
        ],
    )
    def test_a_port_without_a_type(self, arch: str, machine: str, model: str) -> None:
        port = "<serial type='pty'><target><model name='{}'/></target></serial>"
        assert refused(port.format(model), arch, machine) == set()
        assert "serial-model-conflict" in refused(port.format("usb-serial"), arch, machine)


class TestConsoles:
    def test_the_first_becomes_a_serial_port(self) -> None:
        assert "console-serial-address-unsupported" in refused(
            "<console type='pty'><address type='pci'/></console>"
        )

    def test_beside_a_serial_port_it_is_dropped(self) -> None:
        # it has no path, and its address fits no port: nobody looks
        dropped = "<console type='file'><target type='serial'/></console>"
        assert refused("<serial type='pty'/>" + dropped) == set()
        assert "chardev-path-missing" in refused(dropped)


class TestSources:
    def test_a_socket_of_a_channel_is_named_by_libvirt(self) -> None:
        unix = "<{0} type='unix'><target type='virtio'/></{0}>"
        assert refused(unix.format("channel")) == set()
        assert "chardev-path-missing" in refused(unix.format("console"))

    def test_a_socket_that_libvirt_named_listens(self) -> None:
        source = (
            "<channel type='unix'><source mode='connect' path='{}'>"
            "<reconnect enabled='yes' timeout='1'/></source>"
            "<target type='virtio' name='org.x'/></channel>"
        )
        own = "/run/libvirt/qemu/channel/1-vm/org.x"
        assert "chardev-reconnect-unsupported" in refused(source.format(own))
        assert refused(source.format("/run/other/org.x")) == set()

    @pytest.mark.parametrize(
        "device",
        [
            "<serial type='tcp'>{}</serial>",
            "<smartcard mode='passthrough' type='tcp'>{}</smartcard>",
            "<redirdev bus='usb' type='tcp'>{}</redirdev>",
            "<rng model='virtio'><backend model='egd' type='tcp'>{}</backend></rng>",
        ],
    )
    def test_all_that_have_sources_are_looked_at(self, device: str) -> None:
        assert "chardev-host-missing" in refused(device.format("<source service='1'/>"))

    def test_negative_ports_were_large_ones_once(self) -> None:
        port = "<serial type='pty'><target port='-1'/></serial>"
        assert refused(port, dialect=OLD) == set()
        assert refused(port) == {"chardev-port-range"}


class TestInterfaces:
    TAGGED = "<interface type='user'><vlan><tag id='4'/></vlan></interface>"

    def test_what_was_refused_at_the_start_is_refused_at_once(self) -> None:
        then, now = validate(self.TAGGED, dialect=OLD), validate(self.TAGGED)
        assert (then.definable, then.accepted) == (True, False)
        assert (now.definable, now.accepted) == (False, False)

    def test_what_a_network_turns_out_to_be_is_not_judged(self) -> None:
        parts = (
            "<source network='default'/><model type='virtio'/><driver queues='4'/>"
            "<vlan><tag id='4'/></vlan><teaming type='transient' persistent='ua-x'/>"
        )
        assert refused(f"<interface type='network'>{parts}</interface>") == set()

    def test_routes_are_told_by_passt_of_late(self) -> None:
        card = "<interface type='user'><backend type='passt'/><route {}/></interface>"
        assert refused(card.format("gateway='10.0.0.1'")) == set()
        assert refused(card.format("gateway='10.0.0.1'"), dialect=OLD) != set()
        assert refused(card.format("gateway='10.0.0.1' metric='2'")) == {
            "interface-guest-route-unsupported"
        }

    def test_midonet_has_a_profile(self) -> None:
        port = (
            "<interface type='bridge'><source bridge='b'/><virtualport type='midonet'>"
            "<parameters interfaceid='7a5fdbcd-92ee-4ed2-be2c-25ef9d1a2b3c' {}/>"
            "</virtualport></interface>"
        )
        assert refused(port.format("profileid='x'")) == set()
        assert refused(port.format("managerid='1'")) == {"interface-virtualport-invalid"}
        assert refused(port.format("managerid='1'"), dialect=OLD) == set()

    @pytest.mark.parametrize("address", ["10.1", "0x0a000001", "fe80::1%lo", "::ffff:1.2.3.4"])
    def test_addresses_are_read_as_the_c_library_does(self, address: str) -> None:
        assert refused(f"<interface type='user'><ip address='{address}'/></interface>") == set()

    @pytest.mark.parametrize("address", ["", "localhost", "10.0.2.999", "10.0.2.1 ", "1.2.3.4.5"])
    def test_names_are_no_addresses(self, address: str) -> None:
        assert refused(f"<interface type='user'><ip address='{address}'/></interface>") == {
            "interface-ip-invalid"
        }

    @pytest.mark.parametrize("prefix", ["-1", "129", "99999999999999999999", "x", ""])
    @pytest.mark.parametrize("tag", ["ip", "route"])
    def test_no_prefix_breaks_a_rule(self, tag: str, prefix: str) -> None:
        node = f"<{tag} address='fd00::' gateway='fd00::1' family='ipv6' prefix='{prefix}'/>"
        result = validate(f"<interface type='ethernet'><source>{node}</source></interface>")
        assert [text for text in result.unknown if "failed" in text] == []
        assert not result.definable

    def test_a_card_that_qemu_lacks_fails_at_start(self) -> None:
        result = validate("<interface type='user'><model type='nosuch'/></interface>")
        assert result.definable and not result.accepted
        assert [f.code for f in result.errors] == ["interface-model-unavailable"]


class TestReleases:
    @pytest.mark.parametrize(
        ("xml", "code"),
        [
            ("<iommu model='intel'/><iommu model='intel'/>", "iommu-several"),
            (
                "<graphics type='vnc'><listen type='none'/><listen type='none'/></graphics>",
                "graphics-listen-several-at-start",
            ),
        ],
    )
    def test_older_releases_see_it_otherwise(self, xml: str, code: str) -> None:
        assert code in refused(xml, dialect=OLD)
        assert code not in refused(xml)
