"""Processes that check files: the results are in order, and files of one size stay together."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from domcaps.validate.file_workers import _ALIKE, _deal, _next, _Worker, by_processes

if TYPE_CHECKING:
    from pathlib import Path


def files_of(folder: Path, *sizes: int) -> list[str]:
    """Write a file of each size."""
    names = []
    for number, size in enumerate(sizes):
        path = folder / f"{number:04}.xml"
        path.write_bytes(b"x" * size)
        names.append(str(path))
    return names


def pid_of(file: str) -> tuple[str, int]:
    time.sleep(0.001)
    return file, os.getpid()


def test_results_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    files = files_of(tmp_path, *(size * _ALIKE for size in (1, 9, 5, 1, 1, 7) * 30))
    found = list(by_processes(pid_of, files, 3))
    assert [file for file, _ in found] == files
    assert len({pid for _, pid in found} - {os.getpid()}) > 1


def test_files_of_one_size_are_dealt_to_one_process(tmp_path: Path) -> None:
    files = files_of(tmp_path, *(size * _ALIKE for size in (1, 2, 3, 4) * 50))
    workers: list[_Worker[str]] = [_Worker(), _Worker()]
    _deal(workers, [*files, str(tmp_path / "none")])
    dealt = [[number for batch in worker.batches for number in batch] for worker in workers]
    assert [{number % 4 for number in numbers if number < 200} for numbers in dealt] == [
        {0, 2},
        {1, 3},
    ]
    assert sorted(dealt[0] + dealt[1]) == list(range(201))


def test_a_process_without_files_takes_the_last_of_another(tmp_path: Path) -> None:
    files = files_of(tmp_path, *[10] * 100)
    workers: list[_Worker[str]] = [_Worker(), _Worker()]
    _deal(workers, files)
    assert not workers[1].batches
    assert _next(workers[1], workers)[-1] == 99
    assert _next(workers[0], workers)[0] == 0


def test_what_a_process_raises_is_raised(tmp_path: Path) -> None:
    def fail(file: str) -> str:
        if file.endswith("7.xml"):
            raise LookupError(file)
        return file

    with pytest.raises(LookupError, match="0007"):
        list(by_processes(fail, files_of(tmp_path, *[10] * 60), 2))


def test_a_process_that_is_killed_is_an_error(tmp_path: Path) -> None:
    files = files_of(tmp_path, *(size * _ALIKE for size in (1, 2) * 40))

    def end(file: str) -> str:
        if file == files[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return file

    with pytest.raises(RuntimeError, match="ended before its time"):
        list(by_processes(end, files, 2))


def test_no_process_is_left_when_nobody_wants_more(tmp_path: Path) -> None:
    results = by_processes(pid_of, files_of(tmp_path, *[10] * 200), 2)
    pids = {next(results)[1] for _ in range(3)}
    results.close()  # type: ignore[attr-defined]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
