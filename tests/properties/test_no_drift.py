"""What the report lists is accepted, and what it does not list is refused: no drift, proved.

For every recorded emulator, machine type, virtualization type and dialect, and every value of every
enum of the table: a report's XML text holds the value if and only if the XML text of the smallest
domain that uses it is accepted. The only exceptions are those of the drift list, and each of them
only in the direction that it names.

Some machine types of each emulator are taken here, the same ones each time; all of them by
``python tests/conformance/no_drift.py --all`` (or with ``DOMCAPS_NO_DRIFT=all``).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from domcaps.elements import choices, wide_drifts
from drift_uses import (
    DIALECTS,
    USES,
    Subject,
    Tally,
    compare_subject,
    enums,
    shipped_subjects,
    transcript_subjects,
)

ALL = os.environ.get("DOMCAPS_NO_DRIFT") == "all"
MACHINES = None if ALL else 1

FOLDER = Path(
    os.environ.get("DOMCAPS_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance"
)
SHIPPED = shipped_subjects()
TRANSCRIPTS = transcript_subjects(FOLDER / "replies")

# one enum of the report lists devices of containers only: no QEMU ever has a value in it
EMPTY = {"devices/hostdev/capsType"}

needs_shipped = pytest.mark.skipif(not SHIPPED, reason="no recordings are shipped")
needs_transcripts = pytest.mark.skipif(
    not TRANSCRIPTS, reason=f"no transcripts in {FOLDER / 'replies'}"
)


@cache
def tally_of(subject: Subject) -> Tally:
    dialects = DIALECTS if ALL else DIALECTS[:1] if subject.rich else ("12.8", "11.3")
    return compare_subject(subject, MACHINES, dialects)


def disagreements(subject: Subject) -> dict[str, str]:
    tally = tally_of(subject)
    return {text: f"{times} times, {tally.example[text]}" for text, times in tally.wrong.items()}


@needs_shipped
@pytest.mark.parametrize("subject", SHIPPED, ids=str)
def test_shipped_recordings_do_not_drift(subject: Subject) -> None:
    assert disagreements(subject) == {}


@needs_transcripts
@pytest.mark.parametrize("subject", TRANSCRIPTS, ids=str)
def test_transcripts_do_not_drift(subject: Subject) -> None:
    assert disagreements(subject) == {}


def test_every_value_has_a_place_in_the_report_and_a_domain() -> None:
    assert {where for where, values in enums().items() if not values} == EMPTY
    assert {use.where for use in USES} == set(enums()) - EMPTY


@needs_shipped
def test_every_enum_and_value_is_compared() -> None:
    """Of each enum something is compared, and many values are seen listed here and missing there.

    The rest are the same in all of these recordings; what can't be told apart proves nothing by
    itself. Transcripts of older emulators, where they are at hand, tell more of them apart.
    """
    total = Tally()
    for subject in (Subject("sid-x86_64", None, rich) for rich in (False, True)):
        total.add(tally_of(subject))
    for name in ("debian12-s390x", "sid-ppc64", "sid-aarch64"):
        total.add(tally_of(Subject(name, None, rich=False)))
    assert total.enums_seen() == set(enums()) - EMPTY
    both = total.seen_both_ways()
    print(f"{len(enums())} enums, {len(USES)} values, {len(both)} of them seen both ways")
    assert len(both) >= 50


@needs_shipped
def test_every_drift_is_one() -> None:
    """An entry of the drift list that excuses nothing, in any dialect, is out of date."""
    excused = set()
    for subject in SHIPPED:
        excused |= set(tally_of(subject).excused)
    assert excused, "no drift is seen at all"
    known = {path for path, choice in choices() if choice.drifts}
    wide = wide_drifts()
    assert wide or {use.replace("/", ".").partition(".")[2] for use in excused} <= known
