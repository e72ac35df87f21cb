"""What holds of every document, whatever is in it."""

from __future__ import annotations

import copy
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from domcaps.errors import WrongTypeError
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.rules import rules
from domcaps.validate.catalogue.samples import domain_of
from domcaps.validate.check import BROKEN, Validation
from domcaps.validate.memo.traces import ENOUGH
from mutations import Mutator
from sample_hosts import RELEASES, sample_host
from without_memo import validate_by_skeletons, validate_without_memo

ARCHITECTURES = ("x86_64", "aarch64", "ppc64", "s390x")
DOCUMENTS = [
    domain_of(sample).encode()
    for of_part in rules().values()
    for rule in of_part
    for sample in (rule.bad, rule.good)
    if sample is not None and not sample.xml.startswith("<!DOCTYPE")
]
SHARES = 6
"""Parts of the documents that workers can share."""

MUTATOR = Mutator(DOCUMENTS, random.Random(0))  # noqa: S311 - no secret
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def look(data: bytes | str, arch: str = "x86_64") -> Validation:
    host = sample_host(arch, RELEASES[0])
    assert host is not None
    return host.validate(data)


@st.composite
def domains(draw: st.DrawFn) -> bytes:
    MUTATOR.random.seed(draw(st.integers(0, 2**32)))
    return MUTATOR.document(draw(st.integers(0, 4)))


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    MUTATOR.random.seed(draw(st.integers(0, 2**32)))
    return MUTATOR.bytes(draw(st.integers(1, 5)))


architectures = st.sampled_from(ARCHITECTURES)


@SETTINGS
@given(st.one_of(st.binary(max_size=300), broken(), domains()), architectures)
def test_the_schema_only_refuses_more(data: bytes, arch: str) -> None:
    host = sample_host(arch, RELEASES[0])
    assert host is not None
    plain = Counter(finding.code for finding in look(data, arch).errors)
    compared = host.validate(data, schema=True)
    assert plain <= Counter(finding.code for finding in compared.errors)


@SETTINGS
@given(st.one_of(st.binary(max_size=300), broken()), architectures)
def test_any_bytes_have_an_answer(data: bytes, arch: str) -> None:
    result = look(data, arch)
    assert result.accepted == (not result.errors)
    assert result.definable or not result.accepted


@SETTINGS
@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    try:
        assert not look(text).accepted
    except WrongTypeError:  # a text without "<" that looks like the name of a file
        assert "<" not in text


@SETTINGS
@given(domains(), architectures)
def test_no_rule_breaks(data: bytes, arch: str) -> None:
    assert [text for text in look(data, arch).unknown if BROKEN in text] == []


@SETTINGS
@given(domains(), architectures)
def test_findings_point_into_the_document(data: bytes, arch: str) -> None:
    result = look(data, arch)
    lines = data.decode().split("\n")
    root = etree.fromstring(data)
    for finding in result.findings:
        assert 1 <= finding.line <= len(lines)
        assert 1 <= finding.column <= len(lines[finding.line - 1])
        if "{" not in finding.path:
            path = finding.path.partition("/@")[0]
            assert len(root.xpath(path)) == 1, path  # type: ignore[arg-type]
            tag = path.rpartition("/")[2].partition("[")[0]
            shown = lines[finding.line - 1][finding.column - 1 :]
            attribute = finding.path.partition("/@")[2]
            assert shown.startswith((f"<{tag}", attribute or f"<{tag}"))


@SETTINGS
@given(domains(), architectures)
def test_every_code_has_a_manual(data: bytes, arch: str) -> None:
    assert {finding.code for finding in look(data, arch).findings} <= set(codes())


def kinds(result: Validation) -> Counter[tuple[str, str]]:
    return Counter((finding.code, finding.path) for finding in result.findings)


@SETTINGS
@given(domains(), architectures)
def test_the_same_document_has_the_same_answer(data: bytes, arch: str) -> None:
    assert look(data, arch) == look(data, arch)


@SETTINGS
@given(domains(), architectures)
def test_comments_and_layout_change_nothing(data: bytes, arch: str) -> None:
    root = etree.fromstring(data)
    etree.indent(root, space="\t")
    text = etree.tostring(root).replace(b">\n", b"><!-- <x y='&'> --><?z '?>\n")
    assert kinds(look(text, arch)) == kinds(look(data, arch))


@SETTINGS
@given(domains(), architectures, st.randoms(use_true_random=False))
def test_the_order_of_attributes_changes_nothing(
    data: bytes, arch: str, order: random.Random
) -> None:
    root = etree.fromstring(data)
    for node in root.iter():
        items = list(node.items())
        order.shuffle(items)
        for name, _ in items:
            del node.attrib[name]
        for name, value in items:
            node.set(name, value)
    assert kinds(look(etree.tostring(root), arch)) == kinds(look(data, arch))


@SETTINGS
@given(domains(), architectures)
def test_what_is_ignored_is_gone_and_nothing_else(data: bytes, arch: str) -> None:
    result = look(data, arch)
    if not result.findings:
        return
    code = result.findings[0].code
    host = sample_host(arch, RELEASES[0])
    assert host is not None
    left = host.validate(data, ignore=[code])
    assert left.findings == tuple(f for f in result.findings if f.code != code)


@SETTINGS
@given(domains(), architectures)
def test_a_comment_before_the_domain_is_as_good_as_the_option(data: bytes, arch: str) -> None:
    result = look(data, arch)
    listed = ", ".join({finding.code for finding in result.findings})
    if listed and not {"domain", "os", "emulator"} & {f.code.split("-")[0] for f in result.errors}:
        text = f"<!-- domcaps: ignore {listed} -->".encode() + data
        assert look(text, arch).findings == ()


def _unshaped(data: bytes, arch: str) -> Validation:
    """Check all of a document, whatever its shapes and others of its skeleton have settled."""
    host = sample_host(arch, RELEASES[0])
    assert host is not None
    return validate_without_memo(host, data)


def _by_skeletons(data: bytes, arch: str) -> Validation:
    """Check a document as one of other bytes: its whole verdict is not known."""
    host = sample_host(arch, RELEASES[0])
    assert host is not None
    return validate_by_skeletons(host, data)


def _forget_traces(arch: str) -> None:
    host = sample_host(arch, RELEASES[0])
    assert host is not None
    for world in host._worlds.values():
        world.kept.pop("traces", None)


@st.composite
def families(draw: st.DrawFn) -> list[bytes]:
    """Give documents of one origin, in which texts differ."""
    MUTATOR.random.seed(draw(st.integers(0, 2**32)))
    first = etree.fromstring(MUTATOR.document(draw(st.integers(0, 2))))
    found = [etree.tostring(first)]
    for changes in draw(st.lists(st.integers(0, 2), min_size=ENOUGH + 1, max_size=ENOUGH + 5)):
        other = copy.deepcopy(first)
        for _ in range(changes):
            MUTATOR.random.choice((MUTATOR.seen_value, MUTATOR.odd_value))(other)
        found.append(etree.tostring(other))
    return found


@pytest.mark.parametrize("part", range(SHARES))
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_shapes_and_traces_settle_nothing_else_than_would_be_found_in_samples(
    arch: str, part: int
) -> None:
    _forget_traces(arch)
    for data in DOCUMENTS[part::SHARES]:
        expected = _unshaped(data, arch)
        # the first is judged by its shapes, one is tried, and the last goes by the trace
        often = ENOUGH + 2
        assert [_by_skeletons(data, arch) for _ in range(often)] == [expected] * often, data


@SETTINGS
@given(families(), architectures)
def test_traces_settle_nothing_else_than_would_be_found(family: list[bytes], arch: str) -> None:
    _forget_traces(arch)
    for data in family:
        assert _by_skeletons(data, arch) == _unshaped(data, arch)


@SETTINGS
@given(domains(), architectures)
def test_shapes_settle_nothing_else_than_would_be_found(data: bytes, arch: str) -> None:
    expected = _unshaped(data, arch)
    # the second time the verdict itself is known
    assert [look(data, arch) for _ in range(2)] == [expected] * 2
