"""Whatever happens to a host, an answer is what it would be if it were computed from nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domcaps.fresh.disk import DiskStore
from domcaps.fresh.watching import describe_change
from domcaps.fresh.witness import (
    Content,
    DeviceNode,
    EnvironmentVariable,
    Existence,
    Listing,
    RunnableProgram,
    seen_digest,
)
from fresh_mutations import KINDS, Trial

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 120


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: ",".join(k for k, v in kind.items() if v))
@pytest.mark.parametrize("seed", [1, 2])
def test_no_answer_is_stale_and_nothing_is_rebuilt_in_vain(
    tmp_path: Path, kind: dict[str, bool], seed: int
) -> None:
    trial = Trial(tmp_path / "root", seed, **kind)
    for _ in range(STEPS):
        trial.step()
    # the test is worth something only if there was something to answer
    assert trial.counts["without an answer"] < STEPS // 2
    assert trial.counts["probes"] > 0


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=2000), cut=st.integers(0, 2000))
def test_any_bytes_in_the_cache_are_a_miss(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    store, name = DiskStore(folder), "0" * 32
    for content in (data, b"domcaps trace 1\n" + data, b"domcaps trace 1\n" + b"0" * 32 + data):
        (folder / f"{name}.trace").write_bytes(content[:cut])
        assert store.load(name) is None


seen = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


@given(first=seen, second=seen)
def test_a_digest_tells_what_was_seen_apart(first: Any, second: Any) -> None:
    # True is 1 to Python, but it is something else to have seen
    same = repr(first) == repr(second)
    assert (seen_digest(first) == seen_digest(second)) is same


@given(
    witness=st.sampled_from(
        [
            Content("/a"),
            Listing("/a"),
            DeviceNode("/a"),
            Existence("/a"),
            RunnableProgram("/a"),
            EnvironmentVariable("a"),
        ]
    ),
    before=seen,
    after=seen,
)
def test_every_change_can_be_told_in_words(witness: Any, before: Any, after: Any) -> None:
    for text in describe_change(witness, before, after):
        assert text.strip()
