"""A runner of commands that tells the two outputs apart, with click 8.1 as well.

Debian 13 has click 8.1, in which a runner mixes them unless an option says otherwise.
"""

from __future__ import annotations

import inspect
from typing import Any

import click.testing

MIXES = "mix_stderr" in inspect.signature(click.testing.CliRunner.__init__).parameters
"""Whether this is click 8.1."""


class _Separate(click.testing.Result):
    """What click 8.1 tells, with both in `output`."""

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


class CliRunner(click.testing.CliRunner):
    """Runs commands in this process."""

    def __init__(self, **options: Any) -> None:
        separate: dict[str, Any] = {"mix_stderr": False} if MIXES else {}
        super().__init__(**options, **separate)

    def invoke(self, *words: Any, **options: Any) -> click.testing.Result:
        result = super().invoke(*words, **options)
        if MIXES:
            result.__class__ = _Separate
        return result
