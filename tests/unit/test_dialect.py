"""Dialects: releases with the changes they have, distributions, and a clear error for others."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

import domcaps
from domcaps import UnknownDialectError
from domcaps.language import known_dialects, parse_dialect
from domcaps.language.change import NEWS, LibvirtChange, change, changes, estimate, named
from domcaps.language.changes.network import INTERFACE_PASST
from domcaps.language.dialect import _releases
from domcaps.language.distributions import DISTRIBUTIONS

SOURCE = Path(domcaps.__file__).parent
LATE, SOON = estimate("12.1", "a test", "late"), estimate("12.0", "a test", "soon")
NEWEST = known_dialects()[-1]
NEXT = f"{NEWEST.major}.{NEWEST.minor + 1}"
VERSION = re.compile(r"""["'](?:[67]|8|9|1[012])\.\d{1,2}(?:\.\d+)?["']""")
"""What a release of libvirt looks like in source."""

NOT_COMPARED = {
    "_version.py",  # the newest
    "elements/advice/remedies.py",  # releases of QEMU
    "page/matrix.py",  # an example with QEMU's
    "report/json.py",  # an example
}


def test_the_known_dialects_are_those_from_6_10_to_the_newest_that_a_change_names() -> None:
    names = [str(dialect) for dialect in known_dialects()]
    assert names[:2] == ["6.10", "7.0"]
    assert {"7.10", "8.0", "9.0", "11.10", "12.0", "12.8"} <= set(names)
    assert (NEWEST.major, NEWEST.minor) == max(change.release for _, change in changes().values())


def test_no_release_is_left_out() -> None:
    known = known_dialects()
    for one, other in itertools.pairwise(known):
        assert (other.major, other.minor) in {(one.major, one.minor + 1), (one.major + 1, 0)}


def test_a_micro_number_makes_no_difference() -> None:
    assert parse_dialect("12.8.0") == parse_dialect(" 12.8 ")


@pytest.mark.parametrize(
    "text",
    ["6.9", "7.11", NEXT, "99.0", "", "newest", "12", "12.8.0.1", "-1.0", "9.0+arch"],
)
def test_another_one_is_an_error_that_lists_the_known(text: str) -> None:
    with pytest.raises(UnknownDialectError, match=rf"6\.10, .*{re.escape(str(NEWEST))}.*debian12"):
        parse_dialect(text)


@pytest.mark.parametrize(
    ("since", "until", "there"),
    [
        (None, None, True),
        (SOON, None, True),
        (LATE, None, False),
        (None, SOON, False),
        (None, LATE, True),
        (SOON, LATE, True),
        (LATE, SOON, False),
    ],
)
def test_since_includes_and_until_excludes_the_release(
    since: LibvirtChange | None, until: LibvirtChange | None, there: bool
) -> None:
    assert parse_dialect("12.0").has_between(since, until) is there


def test_a_distribution_is_a_release_with_its_patches() -> None:
    debian = parse_dialect("debian12")
    assert str(debian) == "9.0+debian12"
    assert parse_dialect("9.0+debian12") == debian
    assert parse_dialect("9.0").has(INTERFACE_PASST)
    assert not debian.has(INTERFACE_PASST)
    assert str(parse_dialect("debian13")) == "11.3"
    for name in DISTRIBUTIONS:
        assert parse_dialect(str(parse_dialect(name))) == parse_dialect(name)


@pytest.mark.parametrize(
    "change", [change for _, change in changes().values()], ids=lambda c: c.name
)
def test_every_change_is_of_a_release_and_says_what_and_whence(change: LibvirtChange) -> None:
    assert parse_dialect(change.since)
    assert len(change.evidence) > 3
    assert len(change.what) > 3
    assert named(change.name) is change


def test_no_release_is_named_outside_the_table_of_changes() -> None:
    """Versions of libvirt stand in `language.changes` and with the distributions only."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("language/changes/") or name in NOT_COMPARED:
            continue
        lines = enumerate(path.read_text().splitlines(), start=1)
        found += [f"{name}:{n}: {line.strip()}" for n, line in lines if VERSION.search(line)]
    assert found == []


def test_every_change_is_used() -> None:
    texts = [
        path.read_text()
        for pattern in ("*.py", "*.txt", "models.json")
        for path in SOURCE.rglob(pattern)
        if "changes" not in path.parts
    ]
    words = {word for text in texts for word in re.findall(r"[A-Z][A-Z0-9_]{2,}", text)}
    assert sorted(set(changes()) - words) == []


def test_a_release_is_known_as_soon_as_a_change_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    named = change(NEXT, NEWS, "something that is new")
    known = {**changes(), "SOMETHING_NEW": ("display", named)}
    monkeypatch.setattr("domcaps.language.dialect.changes", lambda: known)
    _releases.cache_clear()
    parse_dialect.cache_clear()
    try:
        assert parse_dialect(named.since).has(named)
        assert not NEWEST.has(named)
        assert known_dialects()[-2:] == (NEWEST, parse_dialect(named.since))
    finally:
        monkeypatch.undo()
        _releases.cache_clear()
        parse_dialect.cache_clear()
