"""Are the answers to a folder of cases right? ``python tests/conformance/cases.py DIR [NAME…]``.

DIR has domains in ``xml/`` and ``real/`` and recordings in ``hosts/``. ``cases.toml`` beside this
file (or ``DIR/cases.toml``, where there is one) has the right answers: for each domain the hosts
that are asked, the verdict, and regular expressions that a finding must match. Each is compared
with "CODE: MESSAGE" of every finding. With NAMEs only cases that begin with one are tried.

Verdicts are ``accepted``, ``start`` (defined, but not started), ``define`` (not defined) and
``refused`` (one of the two); ``unknown`` has expressions for what could not be decided. A case
whose name ends with ``-SCHEMA`` is compared with the schema.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import domcaps

_DIALECTS = {"sid": "12.8", "sidkvm": "12.8", "trixie": "11.3"}
"""The releases of libvirt on the recorded hosts; others are asked for their default."""


class Cases:
    """A folder of cases, and what came of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = folder / "cases.toml"
        answers = own if own.exists() else Path(__file__).with_name("cases.toml")
        self.answers: dict[str, Any] = tomllib.loads(answers.read_text())
        self.passed = self.failed = 0
        self._hosts: dict[str, domcaps.Host] = {}

    def host(self, name: str) -> domcaps.Host:
        """Load a recording once."""
        if name not in self._hosts:
            self._hosts[name] = domcaps.Host.load(self.folder / f"hosts/{name}.domcaps")
        return self._hosts[name]

    def try_all(self, names: list[str]) -> None:
        """Try every case whose name begins with one of the names, or all."""
        for file in sorted([*self.folder.glob("xml/*.xml"), *self.folder.glob("real/*.xml")]):
            if names and not file.stem.startswith(tuple(names)):
                continue
            for expected in self.answers.get(file.stem, ()):
                for name in expected["hosts"]:
                    self._try(file, name, expected)

    def _try(self, file: Path, name: str, expected: dict[str, Any]) -> None:
        wrong = self._what_is_wrong(file, name, expected)
        if wrong:
            self.failed += 1
            print(f"{file.stem} on {name}: {'; '.join(wrong)}")
        else:
            self.passed += 1

    def _what_is_wrong(self, file: Path, name: str, expected: dict[str, Any]) -> list[str]:
        libvirt = {"libvirt": _DIALECTS[name]} if name in _DIALECTS else {}
        schema = file.stem.endswith("-SCHEMA")
        result = self.host(name).validate(file.read_bytes(), schema=schema, **libvirt)  # type: ignore[arg-type]
        verdict = "accepted" if result.accepted else "start" if result.definable else "define"
        said = [f"{finding.code}: {finding.message}" for finding in result.findings]
        wrong = []
        wanted = expected["verdict"]
        fits = {
            verdict,
            "refused" if verdict != "accepted" else "",
            "definable" if verdict != "define" else "",
        }
        if wanted not in fits:
            wrong.append(f"{verdict}, not {wanted}")
        wrong += [
            f"no finding matches {pattern!r}"
            for pattern in expected.get("finds", ())
            if not any(re.search(pattern, text) for text in said)
        ]
        wrong += [
            f"nothing unknown matches {pattern!r}"
            for pattern in expected.get("unknown", ())
            if not any(re.search(pattern, text) for text in result.unknown)
        ]
        for pattern in expected.get("not", ()):
            wrong += [f"not to be found: {text}" for text in said if re.search(pattern, text)]
        if wrong:
            wrong.append(f"found were {said}")
        return wrong


def main() -> int:
    """Try the cases of a folder."""
    folder, *names = sys.argv[1:]
    cases = Cases(Path(folder))
    cases.try_all(names)
    print(f"{cases.passed} passed, {cases.failed} failed")
    return 1 if cases.failed else 0


if __name__ == "__main__":
    sys.exit(main())
