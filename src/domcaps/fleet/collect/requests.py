"""What is read of another machine: requests, their replies, and the script that carries them.

One script is sent through SSH to ``/bin/sh`` of the other machine. It hands its requests to an
agent in Python where there is Python 3.6 or later, and to shell functions otherwise; nothing is
written there. Each reply is one line: ``ok`` with the data in base64, or ``no`` with the name of an
error. What comes back was written by another machine: its size and form are checked here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from typing import NamedTuple

from domcaps.errors import FleetError
from domcaps.files import package_text

Request = tuple[str, ...]
"""Name of a function of the agent, and its arguments; numbers and lists as JSON."""

PYTHON, SHELL = "Python", "shell"
_FIND_PYTHON = (
    "for program in python3 /usr/libexec/platform-python; do\n"
    "if command -v $program >/dev/null 2>&1 && $program -c "
    "'import sys; sys.exit(sys.version_info < (3, 6))' 2>/dev/null </dev/null\n"
    "then python=$program; break; fi\ndone\n"
)
_WITH_PATH = frozenset({"read_file", "names", "status", "features", "control"})
_ERROR = re.compile(r"E[A-Z0-9]{1,20}", re.ASCII)


class Reply(NamedTuple):
    """The data of a reply, or the name of an error such as ``ENOENT``."""

    data: bytes = b""
    error: str = ""


def malformed() -> FleetError:
    """Give the error for a reply that is not what was asked for."""
    return FleetError("the host's reply does not have the requested form")


def script(requests: list[Request], mark: str, agent: str = "") -> str:
    """Give a shell script that makes requests.

    `mark` is a secret word: lines before the first and after the second one are not replies.
    `agent` is `PYTHON` or `SHELL` if it is known which one the machine has.
    """
    by_shell = _by_shell(requests, mark)
    if agent == SHELL:
        return by_shell
    by_python = f"\"$python\" - <<'{mark}'\n{_by_python(requests, mark)}{mark}\n"
    return f'{_FIND_PYTHON}if [ -n "$python" ]; then\n{by_python}else\n{by_shell}fi\n'


def _by_python(requests: list[Request], mark: str) -> str:
    decoded = [[name, *_arguments(name, rest)] for name, *rest in requests]
    agent = package_text(__package__, "agent_python.txt")
    return (
        f"{agent}\n\nprint({f'{mark} {PYTHON}'!r})\n"
        f"main(json.loads({json.dumps(decoded)!r}))\nprint({mark!r})\n"
    )


def _arguments(name: str, rest: list[str]) -> list[object]:
    texts = rest[:1] if name in _WITH_PATH else []
    return [*texts, *(json.loads(text) for text in rest[len(texts) :] if text)]


def _by_shell(requests: list[Request], mark: str) -> str:
    agent = package_text(__package__, "agent.sh")
    calls = [" ".join([name, *map(shlex.quote, rest)]) for name, *rest in requests]
    return "\n".join([agent, f"echo '{mark} {SHELL}'", *calls, f"echo {mark}", ""])


def replies(output: bytes, mark: str, count: int) -> tuple[str, list[Reply]]:
    """Read what a script printed: which agent it was, and a reply for each request.

    Raises `FleetError` where that is not what the script prints.
    """
    lines = output.decode("ascii", "replace").splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(f"{mark} ")]
    if not starts:
        raise FleetError("the host did not run the script that was sent")
    agent = lines[starts[0]].removeprefix(f"{mark} ")
    body = lines[starts[0] + 1 :]
    if mark not in body or body.index(mark) != count or agent not in {PYTHON, SHELL}:
        raise FleetError("the host stopped before it had answered")
    return agent, [_reply(line) for line in body[:count]]


def _reply(line: str) -> Reply:
    kind, _, rest = line.partition(" ")
    if kind == "no" and _ERROR.fullmatch(rest):
        return Reply(error=rest)
    if kind == "ok":
        try:
            return Reply(base64.b64decode(rest, validate=True))
        except (binascii.Error, ValueError):
            pass
    raise malformed()
