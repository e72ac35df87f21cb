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
from typing import TYPE_CHECKING

import pytest

from drift_uses import (
    DIALECTS,
    USES,
    Subject,
    Tally,
    compare_subject,
    drifts,
    enums,
    shipped_subjects,
    transcript_subjects,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

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


# recordings in which the entries of the drift list are seen
SHOWING = (
    *(Subject(f"sid-{arch}", None, rich=False) for arch in ("x86_64", "aarch64", "armv7l")),
    *(Subject(f"sid-{arch}", None, rich=True) for arch in ("x86_64", "aarch64")),
    *(Subject(f"debian12-{arch}", None, rich=False) for arch in ("x86_64", "aarch64")),
    Subject("debian12-s390x", None, rich=False),
    Subject("sid-ppc64", None, rich=False),
    Subject("sid-x86_64", None, rich=False, plain=True),
)

# of builds of QEMU that no recording is shipped of: for 32-bit POWER, for macOS, for a mainframe,
# and one that tells not which accelerator it uses
SHOWN_BY_TRANSCRIPTS = {
    "caps_6.2.0_x86_64": {
        "features/hyperv/features=spinlocks",
        "features/hyperv/features=vendor_id",
    },
    "caps_7.2.0_ppc": {"cpu/mode[host-passthrough]/hostPassthroughMigratable=off"},
    "caps_9.2.0_aarch64+hvf": {"devices/tpm/model=tpm-tis", "devices/disk/diskDevice=lun"},
    "caps_9.2.0_s390x": {"features/launchSecurity/sectype=s390-pv"},
}


def of_whom(titles: Iterable[str]) -> set[str]:
    return {title.partition(": ")[0] for title in titles}


@needs_shipped
def test_every_drift_is_one() -> None:
    """An entry of the drift list that excuses nothing, anywhere, is out of date."""
    excused: set[str] = set()
    for subject in SHOWING:
        excused |= set(tally_of(subject).excused)
    assert excused <= set(drifts())
    left = set(drifts()) - excused
    assert of_whom(left) == set().union(*SHOWN_BY_TRANSCRIPTS.values()), left


@needs_transcripts
@pytest.mark.parametrize("name", SHOWN_BY_TRANSCRIPTS)
def test_other_drifts_are_seen_in_transcripts(name: str) -> None:
    subjects = [subject for subject in TRANSCRIPTS if subject.name == name]
    seen = [title for subject in subjects for title in tally_of(subject).excused]
    assert SHOWN_BY_TRANSCRIPTS[name] <= of_whom(seen)
