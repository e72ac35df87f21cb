"""Every command of the tool, run in this process on recordings and files that are odd."""

from __future__ import annotations

import copy
import io
import json
import random
import sys
import traceback
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domcaps.facts import recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pytest

DOMAIN = """<domain type='qemu'>
  <name>a{hostile}</name><title>{hostile}</title><memory>1048576</memory><vcpu>2</vcpu>
  <os firmware='{hostile}'><type arch='x86_64' machine='q35'>hvm</type>
    <loader>/x/{hostile}</loader></os>
  <features><acpi/><{name}/></features>
  <cpu mode='custom' {name}='x'><model>no{hostile}</model></cpu>
  <devices>
    <disk type='file'><source file='/a{hostile}'/><target dev='vda' bus='{hostile}'/></disk>
    <interface type='{hostile}'><model type='{hostile}'/></interface>
    <video><model type='qxl'/></video><graphics type='{hostile}'/>
    <serial type='{hostile}'/><tpm model='{hostile}'><backend type='emulator'/></tpm>
  </devices>
</domain>
"""
"""A domain with others' text in its values; in XML, unlike JSON, not every character can stand."""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, its exit code, and the traceback of what it raised."""

    arguments: tuple[str, ...]
    code: int
    out: bytes
    err: bytes
    traceback: str = ""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Outcome:
    """Run the tool as a shell would, with standard input at its end."""
    from domcaps.cli import main

    out, err = _Kept(), _Kept()
    code, raised = 0, ""
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", ["domcaps", *arguments])
        patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        patched.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
        patched.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8"))
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        except BaseException:  # noqa: BLE001 - whatever it is, the sweep tells of it
            raised = traceback.format_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    return Outcome(arguments, code, out.getvalue(), err.getvalue(), raised)


class _Kept(io.BytesIO):
    """Bytes that stay when the streams that wrote them are gone."""

    def close(self) -> None:
        """Stay open."""


def commands_on_a_recording(host: str, domain: str) -> Iterator[tuple[str, ...]]:
    """Give command lines that read a recording, and a domain."""
    at = ("--host", host)
    for form in ("xml", "json", "html"):
        yield "report", *at, "--format", form
    yield "report", *at, "--virttype", "qemu", "--machine", "pc"
    yield "report", *at, "--machine", "nosuch"
    yield "report", *at, "--arch", "aarch64"
    for form in ("text", "json"):
        yield "host", *at, "--format", form
        yield "explain", *at, "--format", form, "--virttype", "qemu", "video"
        yield "explain", *at, "--format", form, domain
        yield "fix", *at, "--format", form, domain
        yield "diff", "--format", form, host, "shipped:debian12-x86_64", "--domain", domain
    for path in ("os", "cpu", "tpm", "sev", "hostdev", "features", "memoryBacking"):
        yield "explain", *at, path
    for form in ("text", "json", "sarif"):
        yield "validate", *at, "--format", form, "--explain", domain
    yield "convert", *at, "--to", "pc", domain
    for form in ("text", "json"):
        yield "native", *at, "--format", form, domain
    yield "diff", "--reasons", f"{host},virttype=qemu", f"{host},machine=pc"
    yield "baseline", host, "shipped:debian13-x86_64"
    new = ("new", *at, "--name", "web")
    yield *new, "--explain"
    yield *new, "--format", "json", "--virttype", "qemu", "--graphics", "none"
    yield *new, "--uefi", "--secure-boot", "--tpm"


def commands_with_a_path(path: str, domain: str, output: str) -> Iterator[tuple[str, ...]]:
    """Give command lines with `path` in the place of each file, folder and program in turn."""
    shipped = ("--host", "shipped:sid-x86_64")
    yield "report", "--host", path
    yield "report", "--emulatorbin", path
    yield "report", *shipped, "--emulatorbin", path
    yield "report", *shipped, "--emulatorbin", path, "--format", "html"
    yield "host", "--host", path
    yield "explain", "--host", path, "video"
    for form in ("text", "json"):
        yield "explain", *shipped, "--format", form, path
        yield "fix", *shipped, "--format", form, path
        yield "diff", "shipped:sid-x86_64", path, "--format", form
        yield "diff", *(("shipped:sid-x86_64",) * 2), "--domain", path, "--format", form
    for form in ("text", "json", "sarif"):
        yield "validate", *shipped, "--format", form, path, domain
    yield "validate", "--host", path, domain
    yield "fix", *shipped, "--write", "--yes", path
    yield "fix", "--host", path, domain
    yield "baseline", path, "shipped:sid-x86_64"
    yield "new", "--host", path, "--name", "web"
    yield "new", *shipped, "--name", path
    for option in ("--disk", "--cdrom", "--share", "--os"):
        yield "new", *shipped, "--name", "web", option, path
    yield "convert", *shipped, "--to", "q35", path
    yield "convert", "--host", path, domain
    yield "import", path, "-o", output
    yield "import", path, "--facts", path, "--emulatorbin", path, "-o", output
    yield "record", "--emulatorbin", path, "-o", output
    yield "verify", "--emulatorbin", path
    yield "why-fresh", "--emulatorbin", path
    yield "codes", path
    yield "drift", "--format", path
    yield "completion", path
    yield "schema", path
    yield "fleet", "add", f"{output}.store", path
    for command in ("check", "classes", "gc"):
        yield "fleet", command, path
    yield "fleet", "accepts", path, domain
    yield "fleet", "matrix", f"{output}.store", path


WITHOUT_FILES = frozenset({"audit", "edit", "lsp", "serve", "try", "watch"})
"""Commands that do not end, start an editor or QEMU, or ask a daemon: they have own tests."""


@cache
def shipped(name: str = "debian13-x86_64") -> dict[str, Any]:
    """Give the content of a shipped recording."""
    path = Path(recording.__file__).parents[1] / "recordings" / f"{name}.domcaps"
    content: dict[str, Any] = json.loads(zlib.decompress(path.read_bytes(), 31))
    return content


def write(content: dict[str, Any], path: Path) -> str:
    """Write a recording without compression."""
    path.write_text(json.dumps(content))
    return str(path)


def without(content: dict[str, Any], drop: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Give a recording without some of its answers."""
    changed = copy.deepcopy(content)
    for emulator in changed["recording"]["emulators"]:
        for session in emulator["sessions"]:
            session["answers"] = [a for a in session["answers"] if not drop(a)]
    return changed


def with_hostile_strings(content: dict[str, Any], hostile: str, seed: int) -> dict[str, Any]:
    """Give a recording in which strings of some places, such as names of machines, are hostile."""
    picked = random.Random(seed)  # noqa: S311 - to get the same again
    places = sorted({place for place, _, _ in _strings(content["recording"], "")})
    chosen = {place for place in places if picked.random() < 0.3}
    changed = copy.deepcopy(content)
    for place, holder, key in list(_strings(changed["recording"], "")):
        if place in chosen and picked.random() < 0.5:
            holder[key] += hostile
    return changed


def _strings(value: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Give every string with its holder and key; those of a list share a place."""
    if isinstance(value, dict):
        if "question" in value:
            place += f":{value['question']['command']}"
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return
    for key, part in items:
        inner = place if isinstance(value, list) else f"{place}.{key}"
        if key == "question" or (key == "accelerator" and isinstance(value, dict)):
            continue
        if isinstance(part, str):
            yield inner, value, key
        else:
            yield from _strings(part, inner)
