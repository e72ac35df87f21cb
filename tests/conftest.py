"""What holds for all tests: how hypothesis looks for examples, and what signals do; fixtures.

Examples are random here, and the same ones in CI; ``HYPOTHESIS_PROFILE=long`` looks at twenty times
as many.
"""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pathlib import Path

# machines are slow at times: that says nothing about the code
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.register_profile("long", settings.get_profile("here"), max_examples=2000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "here")
)

# nohup, and a shell that starts the tests in the background, ignore signals for all that they start
for number, handler in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# what is made while tests are listed stays: to look for what is unused takes a fifth of that time,
# and later on, with Python's own thresholds, a process looks at all of it again
gc.disable()
SELDOM = (5000, 10, 10)


def pytest_collection_finish() -> None:
    """Look for what tests leave behind, seldom and not among what was listed."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Have one worker more than processors: some tests wait, for processes and for time limits."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return len(os.sched_getaffinity(0)) + 1


@pytest.fixture
def no_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test begin with an operator who named no program."""
    from domcaps.facts import trust

    monkeypatch.setattr(trust, "_WORD", trust._Word())


@pytest.fixture
def weak(tmp_path: Path) -> Path:
    """Give a folder that every user may write to."""
    folder = tmp_path / "weak"
    folder.mkdir()
    folder.chmod(0o777)
    return folder
