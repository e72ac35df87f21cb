"""Bringing values up to date: what is computed again, and what is not."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.hostfiles import HostFiles
from domcaps.fresh.build import Build, Observer, kept_by_children
from domcaps.fresh.host_view import HostView
from domcaps.fresh.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domcaps.fresh.fetch import Fetch

RUNS: Counter[str] = Counter()


class Named(Key[Any], frozen=True):
    """A key whose task is given by a test."""

    name: str
    how: Callable[[Fetch], Any]

    def task(self, fetch: Fetch) -> Any:
        RUNS[self.name] += 1
        return self.how(fetch)

    @property
    def text(self) -> str:
        return self.name


def text_of(name: str) -> Named:
    def how(fetch: Fetch) -> str:
        return fetch.files.read(f"/{name}").decode()

    return Named(name, TASKS.setdefault(name, how))


TASKS: dict[str, Callable[[Fetch], Any]] = {}


@pytest.fixture(params=[True, False], ids=["sentry", "no sentry"])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    RUNS.clear()
    for name in "ab":
        (tmp_path / name).write_text("1")
    return Build(HostView(HostFiles(tmp_path), {}), sentry=request.param)


def test_what_did_not_change_is_not_computed_again(build: Build) -> None:
    values = [build.get(text_of("a")) for _ in range(5)]
    assert (values, RUNS["a"]) == (["1"] * 5, 1)


def test_a_change_shows_in_the_next_call(build: Build, tmp_path: Path) -> None:
    for text in ("1", "2", "3", "2"):
        (tmp_path / "a").write_text(text)
        assert build.get(text_of("a")) == text
        assert build.get(text_of("a")) == text


def test_only_what_rests_on_a_change_is_computed_again(build: Build, tmp_path: Path) -> None:
    both = Named("both", TASKS.setdefault("both", lambda f: f(text_of("a")) + f(text_of("b"))))
    build.get(both)
    (tmp_path / "b").write_text("2")
    assert build.get(both) == "12"
    assert RUNS == {"a": 1, "b": 2, "both": 2}


def test_an_equal_value_stops_the_rebuilding(build: Build, tmp_path: Path) -> None:
    length = Named("length", TASKS.setdefault("length", lambda f: len(f(text_of("a")))))
    top = Named("top", TASKS.setdefault("top", lambda f: [f(length)]))
    first = build.get(top)
    (tmp_path / "a").write_text("2")
    assert build.get(top) is first
    assert RUNS == {"a": 2, "length": 2, "top": 1}


def test_the_same_content_written_anew_runs_nothing(build: Build, tmp_path: Path) -> None:
    build.get(text_of("a"))
    (tmp_path / "new").write_text("1")
    (tmp_path / "new").rename(tmp_path / "a")
    assert build.get(text_of("a")) == "1"
    assert RUNS["a"] == 1


def test_a_trace_is_what_the_last_run_fetched(build: Build, tmp_path: Path) -> None:
    def either(fetch: Fetch) -> str:
        return "off" if fetch(text_of("a")) == "0" else str(fetch(text_of("b")))

    key = Named("either", TASKS.setdefault("either", either))
    build.get(key)
    (tmp_path / "a").write_text("0")
    assert build.get(key) == "off"
    (tmp_path / "b").unlink()
    # it is of no interest any more, and that it can't be read no trouble
    assert build.get(key) == "off"
    assert RUNS["either"] == 2


def test_what_a_task_does_not_find_is_part_of_its_trace(build: Build, tmp_path: Path) -> None:
    def perhaps(fetch: Fetch) -> str:
        try:
            return str(fetch(text_of("c")))
        except FileNotFoundError:
            return "nothing"

    key = Named("perhaps", TASKS.setdefault("perhaps", perhaps))
    assert [build.get(key) for _ in range(3)] == ["nothing"] * 3
    (tmp_path / "c").write_text("3")
    assert build.get(key) == "3"
    (tmp_path / "c").unlink()
    assert build.get(key) == "nothing"


def test_an_error_is_not_remembered(build: Build, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        build.get(text_of("c"))
    (tmp_path / "c").write_text("3")
    assert build.get(text_of("c")) == "3"
    (tmp_path / "c").unlink()
    with pytest.raises(FileNotFoundError):
        build.get(text_of("c"))


def test_a_value_that_must_not_last_is_computed_in_each_call(build: Build) -> None:
    def momentary(fetch: Fetch) -> int:
        fetch.forget("for a test")
        return RUNS["momentary"]

    below = Named("momentary", TASKS.setdefault("momentary", momentary))
    key = Named("above", TASKS.setdefault("above", lambda f: f(below)))
    assert [build.get(key) for _ in range(4)] == [1, 2, 3, 4]


def test_what_changed_while_it_was_read_is_read_again(build: Build, tmp_path: Path) -> None:
    def torn(fetch: Fetch) -> str:
        first = fetch.files.read("/a").decode()
        if RUNS["torn"] == 1:
            (tmp_path / "a").write_text("2")
            (tmp_path / "b").write_text("2")
        return first + fetch.files.read("/b").decode()

    key = Named("torn", TASKS.setdefault(f"torn {id(build)}", torn))
    assert build.get(key) == "22"


def test_the_environment_is_part_of_a_trace(tmp_path: Path) -> None:
    environ = {"X": "1"}
    build = Build(HostView(HostFiles(tmp_path), environ))
    key = Named("environ", TASKS.setdefault("environ", lambda f: f.environ.get("X", "none")))
    assert build.get(key) == build.get(key) == "1"
    del environ["X"]
    assert build.get(key) == "none"


def test_threads_that_come_at_once_compute_once(build: Build) -> None:
    def slow(fetch: Fetch) -> str:
        time.sleep(0.1)
        return fetch.files.read("/a").decode()

    key = Named("slow", TASKS.setdefault("slow", slow))
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(build.get(key))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, RUNS["slow"]) == (["1"] * 16, 1)


def test_threads_see_changes_in_their_order(build: Build, tmp_path: Path) -> None:
    """A call that begins after a change was made never gives what was before."""
    key = text_of("a")
    written = 1
    stale: list[tuple[int, int]] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            least = written
            got = int(build.get(key) or least)
            if got < least:
                stale.append((got, least))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(2, 300):
        other = tmp_path / "new"
        other.write_text(str(number))
        other.rename(tmp_path / "a")
        written = number
    over.set()
    for thread in threads:
        thread.join()
    assert stale == []
    assert build.get(key) == "299"


def test_a_forked_process_has_a_mind_of_its_own(build: Build, tmp_path: Path) -> None:
    for _ in range(3):
        build.get(text_of("a"))
    child = os.fork()
    if child == 0:
        # what it sees change must not be lost on the parent
        (tmp_path / "a").write_text("2")
        os._exit(0 if [build.get(text_of("a")) for _ in range(3)] == ["2"] * 3 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert build.get(text_of("a")) == "2"


@pytest.mark.parametrize("is_changed_by_child", [True, False])
def test_a_child_that_keeps_what_was_known_proves_it_anew(
    build: Build, tmp_path: Path, is_changed_by_child: bool
) -> None:
    for _ in range(3):
        build.get(text_of("a"))
    ready, told = os.pipe()
    with kept_by_children():
        child = os.fork()
    if child == 0:
        # the parent's watches say nothing here
        is_known = build.store.known(text_of("a")) is not None
        is_looked_at = build.ready(text_of("a")) is None
        if is_changed_by_child:
            (tmp_path / "a").write_text("2")
        else:
            os.read(ready, 1)
        answers = [build.get(text_of("a")) for _ in range(3)]
        os._exit(0 if is_known and is_looked_at and answers == ["2"] * 3 else 1)
    if not is_changed_by_child:
        (tmp_path / "a").write_text("2")
        os.write(told, b"x")
    assert os.waitpid(child, 0)[1] == 0
    os.close(ready)
    os.close(told)
    assert build.get(text_of("a")) == "2"


def test_a_store_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domcaps.fresh.build._MOST_ENTRIES", 50)
    (tmp_path / "a").write_text("1")
    build = Build(HostView(HostFiles(tmp_path), {}))
    how = TASKS.setdefault("many", lambda f: f.files.read("/a"))
    for number in range(200):
        assert build.get(Named(f"many {number}", how)) == b"1"
    assert len(build.store) <= 52


def test_an_observer_is_told(build: Build, tmp_path: Path) -> None:
    told: list[str] = []

    class Listener(Observer):
        def ran(self, key: Key[Any], seconds: float) -> None:
            told.append(f"ran {key.text}")

        def changed(self, witness: Any, before: Any, after: Any) -> None:
            told.append(f"changed {witness.place}")

    build.observer = Listener()
    build.get(text_of("a"))
    (tmp_path / "a").write_text("2")
    build.get(text_of("a"))
    assert told == ["ran a", "changed /a", "ran a"]
