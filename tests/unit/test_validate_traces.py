"""Documents of one skeleton: what one of them settled is not looked at in the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.recent import Recent
from domcaps.validate.check import DocumentCheck
from domcaps.validate.memo import traces, verdicts
from domcaps.validate.memo.replays import Replay
from plain_hosts import open_plain

if TYPE_CHECKING:
    from domcaps.hosts.host import Host
    from domcaps.language.part import Part
    from domcaps.language.rule import Rule
    from domcaps.validate.memo.traces import KnownSkeleton

DOMAIN = """<domain type='qemu'><name>{name}</name><memory>{memory}</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices>
  <controller type='pci' index='0' model='pcie-root'/>
  <controller type='pci' index='1' model='pcie-root-port'/>
  <controller type='pci' index='2' model='pcie-root-port'/>
  <interface type='user'><mac address='52:54:00:00:00:{mac}'/><model type='virtio'/>
    <address type='pci' bus='{bus}' slot='0'/></interface>
  <disk type='file' device='disk'><source file='/images/{name}'/><target dev='{disk}' bus='virtio'/>
    <address type='pci' bus='2' slot='0'/></disk>{more}
</devices></domain>"""
PLACES = "pci-address-unavailable"
SOME = traces.ENOUGH + 2
"""So many documents settle a skeleton: after the first trial texts are known to differ."""


def domain(number: int = 0, **given: str) -> str:
    texts = {"name": f"guest{number}", "memory": f"{1048576 + number}", "mac": f"{number:02}"}
    return DOMAIN.format(**{"bus": "1", "disk": "vda", "more": "", **texts, **given})


@pytest.fixture
def host() -> Host:
    return open_plain("sid-x86_64")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Give the codes of the rules that are asked from now on."""
    codes: set[str] = set()
    ask = DocumentCheck._rules

    def noting(self: DocumentCheck, part: Part, rules: tuple[Rule, ...]) -> None:
        codes.update(rule.code for rule in rules)
        ask(self, part, rules)

    monkeypatch.setattr(DocumentCheck, "_rules", noting)
    return codes


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Recent[Any, KnownSkeleton]:
    """Give what is known of skeletons: nothing yet."""
    found: Recent[Any, KnownSkeleton] = Recent(traces.MOST_BYTES)
    monkeypatch.setattr(traces, "skeletons", found)
    # whole verdicts would be given before a skeleton is looked for
    monkeypatch.setattr(verdicts, "_verdicts", Recent(0))
    return found


def codes(host: Host, xml: str) -> list[str]:
    return [finding.code for finding in host.validate(xml).findings]


def test_what_a_skeleton_settled_is_not_asked_again(host: Host, asked: set[str]) -> None:
    for number in range(SOME):
        assert codes(host, domain(number)) == []
    assert PLACES in asked
    asked.clear()
    assert codes(host, domain(4)) == []
    assert PLACES not in asked
    assert "domain-name-invalid" in asked


def test_texts_that_decide_are_looked_at(host: Host) -> None:
    for number in range(SOME):
        codes(host, domain(number))
    assert codes(host, domain(4, bus="2")) == [PLACES]
    assert codes(host, domain(5, bus="7")) == []
    assert codes(host, domain(6, mac="zz")) == ["interface-mac-address-invalid"]
    assert codes(host, domain(7, name="a/b")) == ["domain-name-invalid"]
    assert codes(host, domain(8)) == []


def test_a_finding_is_found_each_time(host: Host) -> None:
    wrong = [host.validate(domain(disk="vd1")).findings for _ in range(SOME)]
    assert wrong[0] and wrong == [wrong[0]] * SOME


def test_what_was_found_is_given_again_without_its_rule(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    ask = DocumentCheck._rules

    def noting(self: DocumentCheck, part: Part, rules: tuple[Rule, ...]) -> None:
        called.extend(rule.code for rule in rules if not isinstance(rule.check, Replay))
        ask(self, part, rules)

    documents = [domain(number, bus="2") for number in range(SOME + 1)]
    first = [host.validate(document).errors[0] for document in documents[:-1]]
    assert {(one.code, one.message) for one in first} == {(PLACES, first[0].message)}
    monkeypatch.setattr(DocumentCheck, "_rules", noting)
    (last,) = host.validate("\n" + documents[-1]).errors
    assert PLACES not in called and "domain-name-invalid" in called
    # the place is that in the new document
    assert (last.line, last.column) == (first[0].line + 1, first[0].column)
    assert last.path == first[0].path and last.message == first[0].message
    assert codes(host, domain(7, bus="1")) == []


def test_a_finding_that_names_a_hidden_text_is_not_given_again(host: Host) -> None:
    names = [f"a/{number}" for number in range(SOME + 2)]
    found = [host.validate(domain(name=name)).errors[0].message for name in names]
    assert len(set(found)) == len(names)


def test_another_element_is_another_skeleton(host: Host, asked: set[str]) -> None:
    for number in range(SOME):
        codes(host, domain(number))
    asked.clear()
    codes(host, domain(4, more="<watchdog model='itco'/>"))
    assert PLACES in asked


def test_domains_that_are_known_for_long_are_told_apart(host: Host, asked: set[str]) -> None:
    for number in range(SOME):
        codes(host, domain(number))
    asked.clear()
    host.validate(domain(4), new=False)
    assert PLACES in asked


def test_what_libvirt_passes_over_is_found_in_each_document(host: Host) -> None:
    twice = domain().replace("<memory>", "<memory>2097152</memory><memory>")
    assert [codes(host, twice) for _ in range(SOME)] == [["repeated-element"]] * SOME
    assert codes(host, domain()) == []
    assert codes(host, twice) == ["repeated-element"]


def test_large_documents_are_not_remembered(host: Host, known: Recent[Any, KnownSkeleton]) -> None:
    codes(host, domain(more="<input type='tablet' bus='usb'/>" * traces._MOST_ELEMENTS))
    codes(host, domain(more=f"<{'a' * 100}/>"))
    assert len(known) == 0


def test_skeletons_are_remembered_within_bounds(
    host: Host, known: Recent[Any, KnownSkeleton]
) -> None:
    known.most = 20_000
    for count in range(30):
        codes(host, domain(more="<input type='tablet' bus='usb'/>" * count))
        assert known.size <= known.most
    assert 1 < len(known) < 30


def test_what_was_met_last_is_remembered(
    host: Host, known: Recent[Any, KnownSkeleton], asked: set[str]
) -> None:
    often = domain(more="<watchdog model='itco'/>")
    codes(host, often)
    codes(host, often)
    known.most = 3 * known.size
    for count in range(30):
        codes(host, domain(more="<input type='tablet' bus='usb'/>" * count))
        asked.clear()
        codes(host, often)
        assert PLACES not in asked, count


def test_a_skeleton_is_tried_a_few_times_only(
    host: Host, monkeypatch: pytest.MonkeyPatch, known: Recent[Any, KnownSkeleton]
) -> None:
    monkeypatch.setattr(traces, "_MOST_TRIALS", 2)
    for number in range(12):
        # the first two are alike: nothing is hidden from the first trial
        other = number % 2 if number > 1 else 0
        xml = domain(other, bus=f"{1 + other}", disk=f"vd{'ab'[other]}")
        assert codes(host, xml) == [PLACES] * other
    assert [one.trials for one, _ in known._kept.values()] == [2]


def test_two_passes_settle_all(host: Host, asked: set[str]) -> None:
    documents = [domain(more="<input type='tablet' bus='usb'/>" * count) for count in range(8)]
    for document in documents * 2:
        codes(host, document)
    asked.clear()
    for document in documents:
        codes(host, document)
    assert PLACES not in asked


def test_a_value_that_came_later_is_refused_in_every_document_of_its_kind() -> None:
    """What is remembered of a shape does not settle values that the dialect does not have."""
    from sample_hosts import RELEASES, sample_host

    host = sample_host("x86_64", RELEASES[0])
    assert host is not None
    document = (
        "<domain type='qemu'><name>{}</name><memory>1</memory><os><type arch='x86_64'>hvm</type>"
        "</os><devices><audio id='1' type='none'/></devices></domain>"
    )
    for number in range(8):
        text = document.format(f"a{number}")
        assert not host.validate(text, "7.0").accepted, number
        assert "audio-type-invalid" not in {f.code for f in host.validate(text, "7.2").errors}
