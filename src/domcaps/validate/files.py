"""Many files on all cores: what came of each, in their order."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from domcaps import files as inputs
from domcaps.errors import DomcapsError
from domcaps.validate.catalogue.former import renamings
from domcaps.validate.config import ignored
from domcaps.validate.document.parse import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domcaps.validate.check import Validation

STANDARD_INPUT = "-"

# fewer files are done before other processes could have started
_FEW = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one file: a validation, or the reason why it could not be read."""

    file: str
    validation: Validation | None = None
    trouble: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A checked file as it is to be printed, and what the summary counts."""

    text: str
    trouble: str = ""
    accepted: bool = False
    errors: int = 0
    warnings: int = 0
    codes: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notices: int = 0


@dataclass(frozen=True)
class Job:
    """How files are checked and printed.

    `look` gives the validation of a document, with the codes to ignore; `render` the text to print
    for a checked file.
    """

    look: Callable[[bytes, frozenset[str]], Validation]
    render: Callable[[Checked], str]
    ignore: frozenset[str] = frozenset()

    def do(self, file: str) -> Item:
        """Check one file."""
        checked = self.check(file)
        text = self.render(checked)
        done = checked.validation
        if done is None:
            return Item(text, trouble=checked.trouble)
        return Item(
            text,
            "",
            done.accepted,
            len(done.errors),
            len(done.warnings),
            frozenset(finding.code for finding in done.findings),
            done.unknown,
            checked.notes,
            len(done.notices),
        )

    def check(self, file: str) -> Checked:
        """Read and look; what goes wrong is part of the answer."""
        try:
            data = _read(file)
            configured = ignored(Path() / "-" if file == STANDARD_INPUT else Path(file))
            look = self.look(data, self.ignore | configured)
            return Checked(file, look, notes=tuple(renamings(configured)))
        except OSError as error:
            return Checked(file, trouble=f"{file}: {error.strerror or error}")
        except DomcapsError as error:
            return Checked(file, trouble=str(error))


def _read(file: str) -> bytes:
    """Read one byte more than is ever looked at: that is enough to say that it is too large."""
    return inputs.read_input(file, MAX_BYTES + 1)


def run(job: Job, files: Sequence[str], jobs: int | None = None) -> Iterator[Item]:
    """Check files, by `jobs` processes, and give what came of them in their order."""
    cores = jobs or len(os.sched_getaffinity(0))
    if cores == 1 or len(files) <= _FEW or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(job.do, files)
        return
    # what the first files need (emulators, modules, truths) is then there for all processes
    yield from map(job.do, files[:_FEW])
    rest = files[_FEW:]
    _Worker.job = job
    chunk = max(1, min(100, len(rest) // (cores * 4)))
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
        try:
            yield from pool.map(_Worker.do, rest, chunksize=chunk)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Worker:
    """What a process has from its parent: functions in a job can't be sent, only inherited."""

    job: Job

    @classmethod
    def do(cls, file: str) -> Item:
        """Check one file."""
        return cls.job.do(file)
