"""Every finding has a manual and samples, and the samples do what they say."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from domcaps.language import Dialect, known_dialects
from domcaps.language.finding import Severity
from domcaps.validate.catalogue.codes import WELL_FORMED, Code, codes
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of as made_domain
from sample_hosts import BARE, DIALECTS, RELEASES, host_for, sample_host

if TYPE_CHECKING:
    from domcaps.language.rule import Rule, Sample

RULES = [rule for of_part in rules().values() for rule in of_part]
FIELDS = [code for code in codes().values() if code.kind == "field" and not code.host_decides]
DOCUMENT_CODES = [code for code in codes().values() if code.kind == "document"]
SCHEMA = [code for code in codes().values() if code.kind == "schema"]

domain_of = lru_cache(maxsize=16)(made_domain)
"""Each sample is asked about in many releases."""


def triggers(
    code: str, sample: Sample, releases: tuple[str, ...], dialect: str, *, new: bool = True
) -> list[str]:
    """Give the releases on which a sample triggers a code."""
    found = []
    for release in releases:
        host = host_for(sample, release)
        if host is None:
            continue
        # some mistakes are only of definitions that libvirt has known for long: see `anywhere`
        result = host.validate(domain_of(sample), dialect, new=new)
        broken = [text for text in result.unknown if "failed" in text]
        assert not broken, broken
        if code in {finding.code for finding in (*result.findings, *result.notices)}:
            found.append(release)
    return found


def anywhere(code: str, sample: Sample, dialects: tuple[str, ...] = DIALECTS) -> list[str]:
    return [
        release
        for dialect in dialects
        for new in (True, False)
        for release in triggers(code, sample, (*RELEASES, BARE), dialect, new=new)
    ]


def what_was_found(sample: Sample) -> str:
    for release in (*RELEASES, BARE):
        host = host_for(sample, release)
        if host is not None:
            found = host.validate(domain_of(sample)).findings
            return f"{release}: " + (
                "; ".join(f"{f.code}: {f.message}" for f in found) or "nothing"
            )
    return "no emulator"


TESTED_APART = {
    # sample hosts have no firmware that is made for TDX: test_next_step.py has such a host
    "os-firmware-of-tdx",
}


def test_few_rules_have_no_sample() -> None:
    assert {rule.code for rule in RULES if rule.bad is None} == TESTED_APART


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.code not in TESTED_APART], ids=lambda rule: rule.code
)
class TestRule:
    def test_it_has_a_manual(self, rule: Rule) -> None:
        assert len(rule.manual.split()) >= 4, "its docstring says nothing"

    def test_the_bad_sample_triggers_it(self, rule: Rule) -> None:
        assert rule.bad is not None, "has no sample that triggers it"
        dialects = tuple(map(str, _counting(rule)))
        tried = tuple(d for d in DIALECTS if d in dialects) or dialects[-1:]
        assert anywhere(rule.code, rule.bad, tried), f"found was {what_was_found(rule.bad)}"

    def test_the_good_sample_does_not(self, rule: Rule) -> None:
        assert rule.good is not None, "has no sample that does not trigger it"
        dialect = str(_counting(rule)[-1])
        assert not triggers(rule.code, rule.good, RELEASES[:1], dialect)


def _counting(rule: Rule, *, there: bool = True) -> list[Dialect]:
    """Give the dialects in which a rule counts, or in which none of its code does."""
    same = [other for other in RULES if other.code == rule.code] if not there else [rule]
    return [
        dialect
        for dialect in known_dialects()
        if any(dialect.has_between(r.since, r.until) for r in same) is there
    ]


DATED = [rule for rule in RULES if rule.since or rule.until]


@pytest.mark.parametrize("rule", DATED, ids=lambda rule: rule.code)
def test_a_dated_rule_counts_on_one_side_of_its_dates_only(rule: Rule) -> None:
    assert rule.bad is not None
    assert rule.good is not None
    inside = _counting(rule)
    for dialect in map(str, {inside[0], inside[-1]}):
        assert found_in(rule.code, rule.bad, dialect), dialect
        assert not triggers(rule.code, rule.good, RELEASES[:1], dialect), dialect
    outside = _counting(rule, there=False)
    for dialect in map(str, {outside[0], outside[-1]} if outside else ()):
        assert not found_in(rule.code, rule.bad, dialect), dialect


def found_in(code: str, sample: Sample, dialect: str) -> list[str]:
    return [
        release
        for new in (True, False)
        for release in triggers(code, sample, (*RELEASES, BARE), dialect, new=new)
    ]


@pytest.mark.parametrize("code", FIELDS, ids=lambda code: code.name)
def test_samples_of_fields_hold(code: Code) -> None:
    assert code.bad is not None
    assert code.good is not None
    assert anywhere(code.name, code.bad), f"{code.bad.xml}: {what_was_found(code.bad)}"
    assert not triggers(code.name, code.good, RELEASES[:1], DIALECTS[0]), code.good.xml


@pytest.mark.parametrize("code", DOCUMENT_CODES, ids=lambda code: code.name)
def test_samples_of_documents_hold(code: Code) -> None:
    host = sample_host("x86_64", RELEASES[0])
    assert host is not None
    assert code.good is not None
    assert host.validate(code.good.xml).findings == ()
    if code.bad is not None and code.severity is Severity.NOTICE:
        assert code.name in {finding.code for finding in host.validate(code.bad.xml).notices}
        assert code.name not in {finding.code for finding in host.validate(code.good.xml).notices}
    elif code.bad is not None:
        assert [finding.code for finding in host.validate(code.bad.xml).findings] == [code.name]


@pytest.mark.parametrize("code", SCHEMA, ids=lambda code: code.name)
def test_samples_of_the_schema_hold(code: Code) -> None:
    host = sample_host("x86_64", RELEASES[0])
    assert host is not None
    assert code.bad is not None
    assert code.good is not None
    assert host.validate(code.good.xml, schema=True).findings == ()
    assert host.validate(code.bad.xml).errors == ()
    found = host.validate(code.bad.xml, schema=True).findings
    assert [finding.code for finding in found] == [code.name]


def test_codes_are_well_formed() -> None:
    assert [name for name in codes() if not WELL_FORMED.fullmatch(name)] == []


def test_codes_are_unique() -> None:
    names = list({rule.code for rule in RULES})
    names += [code.name for code in codes().values() if code.kind != "rule"]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_rules_of_one_code_are_not_of_one_dialect() -> None:
    """A rule that changed is two rules of one code, of which each dialect has one at most."""
    for dialect in known_dialects():
        names = [r.code for r in RULES if dialect.has_between(r.since, r.until)]
        assert sorted({name for name in names if names.count(name) > 1}) == []


def test_samples_are_xml() -> None:
    for rule in RULES:
        for sample in (rule.bad, rule.good):
            if sample is not None and not sample.xml.startswith("<!DOCTYPE"):
                etree.fromstring(domain_of(sample))


@pytest.mark.parametrize("code", codes().values(), ids=lambda code: code.name)
def test_pages_tell_what_makes_the_difference(code: Code) -> None:
    """A reader who sees the same text twice must be told why one is refused."""
    heads = ("Reported", "Not reported")
    titles = [line for line in code.page().splitlines() if line.startswith(heads)]
    assert len(titles) == sum(sample is not None for sample in (code.bad, code.good))
    if code.bad and code.good and code.bad.xml == code.good.xml:
        first, second = (title.partition(",")[2] for title in titles)
        assert first
        assert second
        assert first != second
