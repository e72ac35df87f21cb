"""Where a cursor is in a domain that is being written, and what is offered and explained there."""

from __future__ import annotations

import pytest

import domcaps
from domcaps.editor.context import Context, CursorKind, context_at
from domcaps.editor.hover import hover
from domcaps.editor.judged import accepted_there
from domcaps.editor.offers import offers
from domcaps.editor.target import world_at
from plain_hosts import open_plain

HEAD = "<domain type='kvm'>\n<name>a</name><memory>1024</memory>\n"
OS = "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"


@pytest.fixture(scope="module")
def host() -> domcaps.Host:
    return open_plain("debian13-x86_64")


def at(text: str) -> Context:
    """Give the context of the cursor, which is ``|``."""
    return context_at(text.replace("|", ""), text.index("|"))


def words(host: domcaps.Host, text: str, libvirt: str = "12.8") -> list[str]:
    whole = text.replace("|", "")
    return [one.word for one in offers(at(text), world_at(host, whole, libvirt))]


class TestContext:
    @pytest.mark.parametrize(
        ("text", "kind", "path", "begun"),
        [
            ("<|", CursorKind.ELEMENT, (), ""),
            ("<domain><dev|", CursorKind.ELEMENT, ("domain",), "dev"),
            ("<domain><devices><video/><|", CursorKind.ELEMENT, ("domain", "devices"), ""),
            (
                "<domain><devices><disk><a>x</a></disk><|",
                CursorKind.ELEMENT,
                ("domain", "devices"),
                "",
            ),
            (
                "<domain><devices><vi|</devices></domain>",
                CursorKind.ELEMENT,
                ("domain", "devices"),
                "vi",
            ),
            ("<domain t|", CursorKind.ATTRIBUTE, ("domain",), "t"),
            ("<domain type='kvm' |>", CursorKind.ATTRIBUTE, ("domain",), ""),
            ("<domain type='k|", CursorKind.VALUE, ("domain",), "k"),
            ("<domain type='|'>", CursorKind.VALUE, ("domain",), ""),
            ('<a b="1" c="|', CursorKind.VALUE, ("a",), ""),
            ("<a b='1>2' c='x|", CursorKind.VALUE, ("a",), "x"),
            ("<domain><cpu><model>EP|", CursorKind.TEXT, ("domain", "cpu", "model"), "EP"),
            ("<domain><!-- <devices> |", CursorKind.NOTHING, ("domain",), ""),
            ("<domain><!-- <devices> --><|", CursorKind.ELEMENT, ("domain",), ""),
            ("<a><![CDATA[<b>|", CursorKind.NOTHING, ("a",), ""),
            ("<domain><devices></domain><|", CursorKind.ELEMENT, (), ""),
        ],
    )
    def test_of_text_that_is_being_written(
        self, text: str, kind: CursorKind, path: tuple[str, ...], begun: str
    ) -> None:
        found = at(text)
        assert (found.kind, found.path, found.begun) == (kind, path, begun)

    def test_any_text_has_one(self) -> None:
        text = "<domain type='kvm'><os><!-- a --><type arch=\"x\">hvm</type></os><a/></domain>\n<"
        for end in range(len(text) + 1):
            context_at(text, end)
            context_at(text[:end], end)


class TestOffers:
    def test_values_that_the_host_accepts(self, host: domcaps.Host) -> None:
        found = words(
            host, f"{HEAD}{OS}<devices><video><model type='|'/></video></devices></domain>"
        )
        assert {"virtio", "vga", "bochs"} <= set(found)
        assert "qxl" not in found  # QEMU of Debian 13 is built without

    def test_the_same_while_the_document_is_not_well_formed(self, host: domcaps.Host) -> None:
        found = words(host, f"{HEAD}{OS}<devices><video><model type='v|")
        assert "virtio" in found
        assert all(word.startswith("v") for word in found)

    def test_another_host_offers_other_values(self) -> None:
        other = open_plain("debian12-x86_64")
        assert "qxl" in words(other, f"{HEAD}{OS}<devices><video><model type='|")

    def test_machine_types_are_the_emulators(self, host: domcaps.Host) -> None:
        found = words(host, f"{HEAD}<os><type arch='x86_64' machine='|'>hvm</type></os></domain>")
        assert {"q35", "pc", "microvm"} <= set(found)
        assert "virt" not in found
        # aliases, then versions, newest first
        assert found.index("q35") < found.index("pc-q35-10.0") < found.index("pc-q35-9.2")
        assert found.index("pc-q35-9.2") < found.index("pc-q35-8.2")

    def test_virtualization_types_are_the_emulators(self, host: domcaps.Host) -> None:
        assert words(host, f"<domain type='|'>{OS}</domain>") == ["kvm", "qemu"]

    def test_cpu_models_that_are_usable(self, host: domcaps.Host) -> None:
        found = words(host, f"{HEAD}{OS}<cpu><model>|</model></cpu></domain>")
        rows = host.domain_capabilities(machine="q35").cpu.custom.rows
        usable = {dict(row.attributes).get("usable") for row in rows if row.text in found}
        assert "486" in found
        assert "Broadwell" not in found
        assert "no" not in usable

    def test_elements(self, host: domcaps.Host) -> None:
        found = words(host, f"{HEAD}{OS}<devices><|</devices></domain>")
        assert {"disk", "interface", "video"} <= set(found)
        assert "name" not in found

    def test_elements_that_the_host_has_not_are_left_out(self) -> None:
        from domcaps.facts.record import HostRecord, Recording
        from fakes import emulator_record

        record = emulator_record(types=("VGA",))
        bare = domcaps.Host.from_recording(
            Recording(host=HostRecord(arch="x86_64"), emulators=(record,))
        )
        text = "<domain type='qemu'><os><type arch='x86_64'>hvm</type></os><devices><|"
        assert not bare.domain_capabilities().devices.tpm.supported
        assert "tpm" not in words(bare, text)
        assert "video" in words(bare, text)

    def test_attributes_that_are_not_there_yet(self, host: domcaps.Host) -> None:
        found = words(host, f"{HEAD}{OS}<devices><disk type='file' |>")
        assert "device" in found
        assert "type" not in found

    def test_words_of_the_schema(self, host: domcaps.Host) -> None:
        found = words(host, f"{HEAD}<on_poweroff>|")
        assert {"destroy", "restart"} <= set(found)

    def test_nothing_is_executed_for_an_emulator_that_a_text_names(self) -> None:
        host = domcaps.Host.local(cache=False).for_clients()
        text = f"{HEAD}{OS}<devices><emulator>/tmp/evil</emulator><video><model type='"
        world_at(host, text, "12.8")  # no error, whatever this machine has


class TestJudged:
    DISK = (
        f"{HEAD}<memory>1048576</memory>{OS}<devices><disk type='file'><source file='/a'/>"
        "<target dev='{dev}' bus='{bus}'/></disk></devices></domain>"
    )

    def offered(self, text: str, host: domcaps.Host) -> list[str]:
        whole, offset = text.replace("|", ""), text.index("|")
        found = offers(at(text), world_at(host, whole, "12.8"))
        return [one.word for one in accepted_there(host, whole, offset, found, "12.8")]

    def test_values_that_a_rule_refuses_are_left_out(self, host: domcaps.Host) -> None:
        found = self.offered(self.DISK.format(dev="vda", bus="|"), host)
        assert {"virtio", "sata", "scsi", "usb"} <= set(found)
        # q35 has no IDE; Xen and UML are other hypervisors
        assert not {"ide", "xen", "uml", "sd"} & set(found)

    def test_another_machine_type_accepts_others(self, host: domcaps.Host) -> None:
        text = self.DISK.format(dev="vda", bus="|ide").replace("machine='q35'", "machine='pc'")
        assert {"ide", "sata"} <= set(self.offered(text, host))

    @pytest.mark.parametrize("end", ["", "' /><", "</target>", "'/></disk><video>"])
    def test_text_that_is_being_written(self, host: domcaps.Host, end: str) -> None:
        text = self.DISK.format(dev="vda", bus="|").partition("|")[0] + "|" + end
        found = self.offered(text, host)
        assert {"virtio", "sata", "scsi", "usb"} <= set(found)
        assert not {"ide", "xen", "uml", "sd"} & set(found)

    def test_all_are_offered_where_nothing_can_be_judged(self, host: domcaps.Host) -> None:
        text = self.DISK.format(dev="vda", bus="|").replace("<source", "<other/")
        assert {"ide", "virtio"} <= set(self.offered(text, host))

    @pytest.mark.parametrize(("begun", "lacking"), [("", "virtio-net"), ("e1", "virtio")])
    def test_values_that_only_a_rule_knows(
        self, host: domcaps.Host, begun: str, lacking: str
    ) -> None:
        text = (
            f"{HEAD}{OS}<devices><interface type='user'><model type='{begun}|'/></interface>"
            "</devices></domain>"
        )
        found = self.offered(text, host)
        assert "e1000e" in found
        assert lacking not in found

    def test_machine_types_are_not_judged(self, host: domcaps.Host) -> None:
        text = self.DISK.format(dev="vda", bus="virtio").replace("machine='q35'", "machine='|'")
        assert {"q35", "pc", "microvm"} <= set(self.offered(text, host))


class TestHover:
    def explained(self, host: domcaps.Host, text: str) -> str:
        whole = text.replace("|", "")
        findings = host.validate(whole).findings
        found = hover(host, whole, text.index("|"), "12.8", findings)
        return found[1] if found else ""

    def test_why_a_value_can_not_be_used(self, host: domcaps.Host) -> None:
        text = f"{HEAD}{OS}<devices><video><model type='q|xl'/></video></devices></domain>"
        said = self.explained(host, text)
        assert "✗ `video.modelType=qxl`: no" in said
        assert "qom-list-types" in said
        assert "video-model-type-unsupported" in said

    def test_why_it_can(self, host: domcaps.Host) -> None:
        text = f"{HEAD}{OS}<devices><video><model ty|pe='virtio'/></video></devices></domain>"
        assert "✓ `video.modelType=virtio`: yes" in self.explained(host, text)

    def test_what_a_value_must_be(self, host: domcaps.Host) -> None:
        text = (
            f"{HEAD}{OS}<devices><video><model type='vga' heads='|1'/></video></devices></domain>"
        )
        assert "must be" in self.explained(host, text)

    def test_why_an_element_and_a_cpu_model(self, host: domcaps.Host) -> None:
        text = f"{HEAD}{OS}<cpu><model>EP|YC</model></cpu><devices><video/></devices></domain>"
        assert "✗ `cpu.custom=EPYC`: no" in self.explained(host, text)
        text = text.replace("|", "").replace("<video/>", "<vi|deo><model type='vga'/></video>")
        assert "`video`: yes" in self.explained(host, text)

    def test_why_in_text_that_is_being_written(self, host: domcaps.Host) -> None:
        text = f"{HEAD}{OS}<devices><video><model type='q|xl'/></video><disk></devices></domain>"
        assert "✗ `video.modelType=qxl`: no" in self.explained(host, text)

    def test_nothing_where_nothing_is_known(self, host: domcaps.Host) -> None:
        assert self.explained(host, "<dom|ain") == ""
