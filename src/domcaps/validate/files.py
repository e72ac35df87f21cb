"""Many files on all cores: what came of each, in their order."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from domcaps import files as inputs
from domcaps.errors import DomcapsError
from domcaps.language.struct import Struct
from domcaps.validate.config import configured
from domcaps.validate.document.parse import MAX_BYTES
from domcaps.validate.several import merged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from domcaps.validate.check import Validation
    from domcaps.validate.config import Configured
    from domcaps.validate.known import Known, KnownFinding
    from domcaps.validate.several import HostVerdict, Judged

STANDARD_INPUT = "-"
NO_DOMAIN = "domain-missing"
"""The code of a document with another root than <domain>."""

# fewer files are done before other processes could have started
_FEW = 50


class Checked(Struct, frozen=True):
    """What came of one file: a validation, or the reason why it could not be read.

    `verdicts` tells what each host says, where there are several. `known` counts findings that are
    left out because they are known.
    """

    file: str
    validation: Validation | None = None
    trouble: str = ""
    notes: tuple[str, ...] = ()
    verdicts: tuple[HostVerdict, ...] = ()
    known: int = 0
    entries: tuple[KnownFinding, ...] = ()


class Item(Struct, frozen=True):
    """A checked file as it is to be printed, and what the summary counts.

    `codes` and `notices` count the findings of each code.
    """

    text: str
    trouble: str = ""
    accepted: bool = False
    errors: int = 0
    warnings: int = 0
    codes: Counter[str] = msgspec.field(default_factory=Counter)
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    notices: Counter[str] = msgspec.field(default_factory=Counter)
    known: int = 0
    entries: tuple[KnownFinding, ...] = ()
    no_domain: bool = False


class FilesJob(Struct, frozen=True):
    """How files are checked and printed.

    `look` judges a document with the configuration that its file has; `render` gives the text to
    print for a checked file. `found` names the files that were not given by name: what is no domain
    there is skipped. `known` has the findings that are left out.
    """

    look: Callable[[str, bytes, Configured], Sequence[Judged]]
    render: Callable[[Checked], str]
    found: Collection[str] = frozenset()
    known: Known | None = None

    def do(self, file: str) -> Item:
        """Check one file."""
        checked = self.check(file)
        done = checked.validation
        if done is None:
            return Item(self.render(checked), trouble=checked.trouble)
        if file in self.found and done.findings and done.findings[0].code == NO_DOMAIN:
            return Item("", no_domain=True)
        return Item(
            self.render(checked),
            "",
            done.accepted,
            len(done.errors),
            len(done.warnings),
            Counter(finding.code for finding in done.findings),
            done.unknown,
            checked.notes,
            Counter(notice.code for notice in done.notices),
            checked.known,
            checked.entries,
        )

    def check(self, file: str) -> Checked:
        """Read and look; what goes wrong is part of the answer."""
        try:
            data = _read(file)
            found = configured(Path() / "-" if file == STANDARD_INPUT else Path(file))
            return self._checked(file, self.look(file, data, found), found.renamings())
        except OSError as error:
            return Checked(file, trouble=f"{file}: {error.strerror or error}")
        except DomcapsError as error:
            return Checked(file, trouble=str(error))

    def _checked(self, file: str, judged: Sequence[Judged], notes: tuple[str, ...]) -> Checked:
        validation, known = merged(judged), 0
        entries: tuple[KnownFinding, ...] = ()
        if self.known is not None:
            entries = self.known.entries(file, validation)
            validation, known = self.known.without(file, validation)
        verdicts = tuple(one.verdict for one in judged) if len(judged) > 1 else ()
        return Checked(file, validation, "", notes, verdicts, known, entries)


def _read(file: str) -> bytes:
    """Read one byte more than is ever looked at: that is enough to say that it is too large."""
    return inputs.read_input(file, MAX_BYTES + 1)


def run(job: FilesJob, files: Sequence[str], jobs: int | None = None) -> Iterator[Item]:
    """Check files, by `jobs` processes, and give what came of them in their order."""
    cores = jobs or len(os.sched_getaffinity(0))
    if cores == 1 or len(files) <= _FEW or not hasattr(os, "fork"):
        yield from map(job.do, files)
        return
    # what the first files need (emulators, modules, truths) is then there for all processes
    yield from map(job.do, files[:_FEW])
    # for one file, loading this takes as long as all that is looked at
    from domcaps.validate.file_workers import by_processes

    yield from by_processes(job.do, files[_FEW:], cores)
