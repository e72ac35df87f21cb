"""``domcaps validate`` called in this process, in a folder of its own."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from command_runner import CliRunner
from domcaps.cli import _root
from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
from domcaps.validate import config
from fakes import emulator_record

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

DOMAIN = (
    "<domain type='qemu'>\n<name>a</name>\n<memory>1048576</memory>\n"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
    "<devices>\n\t{}\n</devices>\n</domain>\n"
)
GOOD = DOMAIN.format("")
BAD = DOMAIN.format("<video><model type='nobodys'/></video>")
LACKING = DOMAIN.format("<video><model type='qxl'/></video>")
ODD = DOMAIN.format("<video><model type='vga' headz='1'/></video>")


class Linter:
    """A folder with two recordings: only ``new.domcaps`` has qxl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.chdir(folder)
        for name, types in (("old", ("VGA",)), ("new", ("VGA", "qxl-vga", "qxl"))):
            record = emulator_record(types=types)
            host = Recording(host=HostRecord(arch="x86_64"), emulators=(record,))
            save(host, folder / f"{name}.domcaps")

    def write(self, **files: str) -> None:
        for name, content in files.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".xml").write_text(content)

    def configure(self, text: str, name: str = ".domcaps.toml") -> None:
        (self.folder / name).write_text(text)

    def __call__(self, *words: str, host: str = "old.domcaps", text: str = "") -> Result:
        config._in_folder.cache_clear()
        hosts = ["--host", host] if host else []
        done = CliRunner().invoke(_root, ["validate", *hosts, *words], input=text)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def json(self, *words: str, host: str = "old.domcaps") -> Any:
        return json.loads(self("--format", "json", *words, host=host).stdout)

    def codes(self, *words: str, host: str = "old.domcaps") -> list[str]:
        files = self.json(*words, host=host)["files"]
        return [finding["code"] for file in files for finding in file["findings"]]
