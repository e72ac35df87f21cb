"""A pytest plugin: a libvirt that a test can ask, of a host that need not be there.

Put ``pytest_plugins = ["domcaps.serve.plugin"]`` into a ``conftest.py``; then::

    def test_of_mine(domcaps_uri):
        connection = libvirt.open(domcaps_uri("shipped:debian13-x86_64"))
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domcaps.serve.background import serving
from domcaps.serve.hosts import FixedHost, RecordedHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from domcaps.serve.hosts import HostSource


@pytest.fixture
def domcaps_uri() -> Iterator[Callable[[str | Path], str]]:
    """Give a function that serves a recording until the test is over, and gives its URI."""
    with ExitStack() as stack:

        def serve(recording: str | Path) -> str:
            return stack.enter_context(serving(_source(recording)))

        yield serve


def _source(recording: str | Path) -> HostSource:
    kind, _, name = str(recording).partition(":")
    if kind == "shipped" and not Path(recording).exists():
        from domcaps.shipped import open_shipped

        return FixedHost(open_shipped(name), str(recording))
    recorded = RecordedHost(Path(recording))
    # one that can't be used is told of here, and not to the first client
    recorded.get("")
    return recorded
