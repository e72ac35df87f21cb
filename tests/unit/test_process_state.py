"""Filters of system calls are part of an answer, though no file shows what they forbid."""

from __future__ import annotations

import subprocess
import sys

import pytest

from domcaps.fresh.process_state import process_state

# a filter that lets everything pass: BPF_RET | BPF_K with SECCOMP_RET_ALLOW
FILTERED = """
import ctypes, struct
from domcaps.fresh.process_state import process_state
libc = ctypes.CDLL(None, use_errno=True)
before = process_state()
code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7fff0000), 8)
program = ctypes.create_string_buffer(struct.pack("@HP", 1, ctypes.addressof(code)), 16)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program) == 0, ctypes.get_errno()
print(before.rights != process_state().rights)
"""
DENIED = """
import ctypes
from domcaps.fresh.process_state import process_state
before = process_state()
done = ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
print("old kernel" if done else before.rights != process_state().rights)
"""


def said(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="filters of Linux")
def test_another_filter_of_system_calls_is_another_state() -> None:
    assert said(FILTERED) == "True"


@pytest.mark.skipif(sys.platform != "linux", reason="a bit of Linux")
def test_denied_execution_of_written_memory_is_another_state() -> None:
    found = said(DENIED)
    if found == "old kernel":
        pytest.skip("this kernel has no PR_SET_MDWE")
    assert found == "True"


def test_the_same_process_has_the_same_state() -> None:
    assert process_state() == process_state()
