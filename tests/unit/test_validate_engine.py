"""The engine: what it makes of documents, fields and broken rules; places; suppressions.

It is tried on a table of one element, so that these tests stay what they are when the real table
grows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

import domcaps
from domcaps.facts.question import device_properties_of
from domcaps.facts.record import HostRecord, Recording
from domcaps.language import Choice, Enum
from domcaps.language.finding import Severity, Stage
from domcaps.language.observed import device, device_property
from domcaps.language.part import Part, field
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import POSITIVE, YES_NO, Text
from domcaps.validate import check, checks
from domcaps.validate.document import walk
from domcaps.validate.schema import vocabulary
from fakes import emulator_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.finding import Finding
    from domcaps.validate.check import Validation

KIND = Enum(
    "kind",
    attribute="kind/@type",
    choices=(Choice("box"), Choice("vga", device("VGA")), Choice("qxl", device("qxl"))),
)


class Gadget(Part):
    path = "devices/gadget"
    knows = ("kind/@colour",)

    kind = field("kind/@type", choice=KIND)
    heads = field("kind/@heads", POSITIVE)
    label = field("label", Text("[a-z ]+", expected="small letters"))
    feature = field("feature[@name='x']/@enabled", YES_NO)


class Slot(Part):
    path = "devices/slot"

    number = field("@number", POSITIVE, required=True)


@rule("gadget-qxl-heads", Gadget, stage=Stage.START)
def qxl_has_one_head(gadget: Gadget) -> Problems:
    """A gadget of this kind has one head."""
    if gadget.kind == "qxl" and gadget.heads != 1:
        yield problem("it has one head", gadget, "kind/@heads")


@rule("gadget-property", Gadget)
def property_is_there(gadget: Gadget) -> Problems:
    """A gadget with a label needs a property that nobody asked about."""
    if gadget.label and not gadget.holds(device_property("VGA", "label")):
        gadget.domain.world.emulator.properties(device_properties_of("VGA"))
        yield problem("it is not there", gadget)


HOST = domcaps.Host.from_recording(
    Recording(host=HostRecord(arch="x86_64"), emulators=(emulator_record(types=("VGA",)),)),
    origin="fake",
)


def forget() -> None:
    for remembered in (
        checks.all_part_checks,
        walk.domain_position,
        walk.other_part_checks,
        walk.placed_kinds,
        vocabulary.vocabulary,
    ):
        remembered.cache_clear()
    HOST._worlds.clear()


@pytest.fixture(autouse=True)
def _small_table(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    mine = {Gadget: (qxl_has_one_head, property_is_there)}
    for module in (checks, vocabulary):
        monkeypatch.setattr(module, "parts", lambda: (Gadget, Slot))
    monkeypatch.setattr(checks, "rules", lambda: mine)
    forget()
    yield
    forget()


DOMAIN = """<?xml version='1.0'?>
<!-- é: columns count characters -->
<domain type='qemu'>
  <name>a</name>
  <memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    {}
  </devices>
</domain>
"""


def validate(devices: str, **options: object) -> Validation:
    return HOST.validate(DOMAIN.format(devices), **options)  # type: ignore[arg-type]


def only(result: Validation) -> Finding:
    (finding,) = result.findings
    return finding


def test_a_plain_domain_is_accepted() -> None:
    result = validate("<gadget><kind type='vga'/></gadget>")
    assert result.findings == ()
    assert result.accepted
    assert result.definable


def test_text_and_bytes_are_the_same() -> None:
    text = DOMAIN.format("<gadget><kind type='nobodys'/></gadget>")
    assert HOST.validate(text) == HOST.validate(text.encode())


class TestChoice:
    def test_one_that_nobody_knows(self) -> None:
        found = only(validate("<gadget><kind type='nobodys'/></gadget>"))
        assert found.code == "gadget-kind-type-unknown"
        assert set(found.accepted) >= {"vga", "box"}
        assert "qxl" not in found.accepted
        assert found.path == "/domain/devices/gadget/kind/@type"

    def test_one_that_this_emulator_lacks_comes_with_the_reason(self) -> None:
        found = only(validate("<gadget><kind type='qxl' heads='1'/></gadget>"))
        assert found.code == "gadget-kind-type-unsupported"
        assert found.reason is not None
        assert "qxl" in found.reason.statement
        assert found.reason.source == "qom-list-types"


class TestPlace:
    def test_of_an_attribute(self) -> None:
        found = only(validate("<gadget><kind type='vga'\n  heads = 'x'/></gadget>"))
        assert (found.line, found.column) == (9, 3)

    def test_behind_other_tags_on_the_line(self) -> None:
        found = only(
            validate("<!-- <gadget> > --><gadget><kind heads='1' type='nobodys'/></gadget>")
        )
        assert (found.line, found.column) == (
            8,
            5 + len("<!-- <gadget> > --><gadget><kind heads='1' "),
        )

    def test_of_the_second_of_two(self) -> None:
        found = only(
            validate("<gadget><kind type='vga'/></gadget>\n<gadget><kind type='x'/></gadget>")
        )
        assert found.line == 9
        assert found.path == "/domain/devices/gadget[2]/kind/@type"

    def test_the_name_of_another_attribute_is_not_taken_for_it(self) -> None:
        found = only(validate("<gadget><kind colour='type=1' type='nobodys'/></gadget>"))
        assert found.column == 5 + len("<gadget><kind colour='type=1' ")

    def test_in_another_encoding(self) -> None:
        text = (
            "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
            "<domain type='qemu'><name>é</name><x/></domain>"
        )
        found = [f for f in HOST.validate(text.encode("latin-1")).findings if "unknown" in f.code]
        assert [(f.line, f.column) for f in found] == [(2, 35)]


class TestUnknownNames:
    def test_a_misspelt_attribute_is_a_warning_with_the_right_name(self) -> None:
        result = validate("<gadget><kind type='vga' headz='1'/></gadget>")
        found = only(result)
        assert result.accepted
        assert found.severity is Severity.WARNING
        assert found.code == "unknown-attribute"
        assert found.accepted == ("heads",)

    def test_a_misspelt_element(self) -> None:
        found = only(validate("<gadgte><kind type='vga'/></gadgte>"))
        assert found.code == "unknown-element"
        assert found.accepted == ("gadget",)
        assert found.path == "/domain/devices/gadgte"

    def test_what_is_inside_an_unknown_element_is_not_looked_at(self) -> None:
        assert len(validate("<gadgte><knid typ='vga'/></gadgte>").findings) == 1

    @pytest.mark.parametrize(
        "text",
        [
            "<metadata><x:y xmlns:x='urn:x' z='1'><w/></x:y><plain v='1'/></metadata>",
            "<x:y xmlns:x='urn:x' z='1'><w/></x:y>",
        ],
    )
    def test_other_namespaces_and_metadata_are_somebody_elses(self, text: str) -> None:
        domain = DOMAIN.format("").replace("</domain>", f"{text}</domain>")
        assert HOST.validate(domain).findings == ()


class TestSuppression:
    BAD = "<gadget><kind type='nobodys'/></gadget>"

    def test_by_the_caller(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # the list of codes is that of the real table
        monkeypatch.setattr("domcaps.validate.selection.ignored_codes", frozenset)
        assert validate(self.BAD, ignore=["gadget-kind-type-unknown"]).findings == ()

    def test_a_comment_speaks_of_the_element_that_follows(self) -> None:
        comment = "<!-- domcaps: ignore gadget-kind-type-unknown -->"
        assert validate(f"{comment}{self.BAD}").findings == ()
        assert only(validate(f"{comment}\n{self.BAD}\n{self.BAD}")).line == 10

    def test_a_comment_before_the_domain_speaks_of_all(self) -> None:
        comment = "<!-- domcaps: ignore gadget-kind-type-unknown, unknown-element -->"
        text = DOMAIN.format(self.BAD + self.BAD).replace("<domain", f"{comment}<domain")
        assert HOST.validate(text).findings == ()

    def test_a_comment_after_the_last_element_speaks_of_the_one_around_it(self) -> None:
        comment = "<!-- domcaps: ignore gadget-kind-type-unknown -->"
        inside = f"<gadget><kind type='nobodys'/>{comment}</gadget>"
        assert validate(inside).findings == ()

    def test_other_codes_stay(self) -> None:
        assert validate(f"<!-- domcaps: ignore unknown-element -->{self.BAD}").findings

    def test_text_that_looks_like_a_comment_is_none(self) -> None:
        text = "<![CDATA[<!-- domcaps: ignore gadget-kind-type-unknown -->]]>"
        assert validate(f"{text}{self.BAD}").findings


class TestComments:
    def test_they_are_no_part_of_a_text(self) -> None:
        """libvirt reads a number on both sides of a comment as one."""
        text = DOMAIN.format("").replace("<memory>1048576", "<memory>10485<!-- x --><?y z?>76")
        assert HOST.validate(text).findings == ()

    def test_they_may_stand_anywhere(self) -> None:
        text = DOMAIN.format("<gadget><kind type='vga'/></gadget>")
        assert HOST.validate(text.replace("><", "><!-- c --><")).findings == ()


class TestField:
    def test_of_another_form(self) -> None:
        found = only(validate("<gadget><kind heads='0'/></gadget>"))
        assert found.code == "gadget-kind-heads-invalid"
        assert "at least 1" in found.message

    def test_text(self) -> None:
        assert (
            only(validate("<gadget><label>\n A </label></gadget>")).code == "gadget-label-invalid"
        )
        assert validate("<gadget><label>a</label></gadget>").findings == ()

    def test_one_that_must_be_there(self) -> None:
        assert only(validate("<slot/>")).code == "slot-number-missing"
        assert validate("<slot number='1'/>").findings == ()

    def test_the_first_element_of_a_name_is_the_one(self) -> None:
        assert validate("<gadget><kind heads='1'/><kind heads='x'/></gadget>").findings == ()
        assert validate("<gadget><kind/><kind heads='x'/></gadget>").findings == ()
        assert validate("<gadget><kind heads='x'/><kind heads='1'/></gadget>").findings

    def test_a_path_with_a_condition(self) -> None:
        other = "<feature name='y' enabled='maybe'/>"
        assert validate(f"<gadget>{other}</gadget>", ignore=["unknown-element"]).findings == ()
        found = validate(f"<gadget>{other}<feature name='x' enabled='maybe'/></gadget>").errors
        assert [finding.code for finding in found] == ["gadget-feature-x-enabled-invalid"]


class TestRule:
    def test_only_starting_is_refused(self) -> None:
        host = domcaps.Host.from_recording(
            Recording(host=HostRecord(arch="x86_64"), emulators=(emulator_record(types=("qxl",)),)),
            origin="fake",
        )
        result = host.validate(DOMAIN.format("<gadget><kind type='qxl' heads='2'/></gadget>"))
        assert [finding.stage for finding in result.findings] == [Stage.START]
        assert result.definable
        assert not result.accepted

    def test_what_was_not_asked_refuses_nothing_and_is_noted_each_time(self) -> None:
        """A truth that is remembered must not hide that it is unknown."""
        text = DOMAIN.format("<gadget><label>a</label></gadget>")
        first, second = HOST.validate(text), HOST.validate(text)
        assert first.accepted
        assert any("gadget-property" in unknown for unknown in first.unknown)
        assert first.unknown == second.unknown
        assert HOST.validate(DOMAIN.format("")).unknown == ()

    def test_a_broken_one_costs_nothing_but_its_own_answer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(part: object) -> Problems:
            raise AttributeError("oops")

        failing = msgspec.structs.replace(qxl_has_one_head, check=broken)
        monkeypatch.setattr(checks, "rules", lambda: {Gadget: (failing, property_is_there)})
        forget()
        result = validate("<gadget><kind type='nobodys'/></gadget>")
        assert [finding.code for finding in result.findings] == ["gadget-kind-type-unknown"]
        assert any(check.BROKEN in text and "oops" in text for text in result.unknown)


class TestLimits:
    def test_too_many_findings(self) -> None:
        result = validate("<gadget><kind type='nobodys'/></gadget>" * 1100)
        assert len(result.findings) == check.MAX_FINDINGS + 1
        assert "check-stopped" in {finding.code for finding in result.findings}

    def test_time(self) -> None:
        from domcaps.validate.check import validate as checks

        data = DOMAIN.format("<gadget/>").encode()
        result = checks(data, lambda *target: HOST.world(*target), seconds=0)
        assert "check-stopped" in {finding.code for finding in result.findings}
        assert not result.accepted

    def test_time_that_passes_without_work(self, monkeypatch: pytest.MonkeyPatch) -> None:
        days = iter(range(0, 10**9, 86400))
        monkeypatch.setattr("domcaps.validate.check.time.monotonic", lambda: float(next(days)))
        result = validate("<gadget/>")
        assert "check-stopped" not in {finding.code for finding in result.findings}


class TestTarget:
    @pytest.mark.parametrize(
        ("domain", "code"),
        [
            ("<network/>", "domain-missing"),
            ("<domain/>", "domain-type-missing"),
            ("<domain type='kvm'><os><type>hvm</type></os></domain>", "domain-type-unsupported"),
            ("<domain type='nobodys'/>", "domain-type-unsupported"),
            (
                "<domain type='qemu'><os><type machine='nobodys'>hvm</type></os></domain>",
                "os-machine-unsupported",
            ),
            (
                "<domain type='qemu'><os><type arch='s390x'>hvm</type></os></domain>",
                "os-arch-unsupported",
            ),
            (
                "<domain type='qemu'><devices><emulator>/no</emulator></devices></domain>",
                "emulator-unsupported",
            ),
        ],
    )
    def test_one_that_is_not_there(self, domain: str, code: str) -> None:
        found = only(HOST.validate(domain))
        assert found.code == code
        assert found.stage is Stage.DEFINE
        assert found.line == 1

    def test_a_target_is_settled_once(self) -> None:
        text = DOMAIN.format("")
        assert HOST.validate(text) == HOST.validate(text)
        assert HOST.validate(text, "11.3").accepted

    def test_an_unknown_dialect_is_the_callers_mistake(self) -> None:
        with pytest.raises(domcaps.UnknownDialectError):
            HOST.validate("<domain/>", "1.2")
