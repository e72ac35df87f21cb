"""What guests can drive: libosinfo's database of operating systems, where it is installed.

The database (Debian's package ``osinfo-db``) is a folder of small XML files. A system derives from
another and adds or takes away devices; a device has a name by which people know it.
"""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from domcaps import files
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Node

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
_FOLDERS = ("/usr/share/osinfo", "/usr/local/share/osinfo")
_DEEPEST = 60
_WORDS_LEFT_OUT = late_pattern(r"\b(microsoft|gnu/linux|linux)\b", re.IGNORECASE)
"""Words of a full name that people leave out: ``Fedora Linux 40`` is also called Fedora 40."""
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class GuestSystem:
    """An operating system: its names, its family, the devices it drives, how it can be started."""

    id: str
    names: tuple[str, ...]
    family: str
    devices: frozenset[str]
    firmware: tuple[tuple[str, str, bool], ...]
    """Architecture, kind of firmware, and whether the system supports it."""
    resources: tuple[tuple[str, str, int, int], ...] = ()
    """Architecture, ``minimum`` or ``recommended``, bytes of memory, CPUs; 0 where not said."""

    def resource(self, arch: str, kind: str) -> tuple[int, int]:
        """Give the bytes of memory and the CPUs that are the minimum, or recommended."""
        for of_arch in (arch, "all"):
            for known in self.resources:
                if known[:2] == (of_arch, kind):
                    return known[2:]
        return 0, 0


def database_folder() -> Path | None:
    """Give the folder of the database, None where there is none."""
    named = os.environ.get("OSINFO_SYSTEM_DIR")
    for folder in (named, *_FOLDERS) if named else _FOLDERS:
        if folder and (Path(folder) / "os").is_dir():
            return Path(folder)
    return None


def _number(node: Node, tag: str) -> int:
    text = (node.findtext(tag) or "").strip()
    return int(text) if text.isdecimal() and len(text) < 20 else 0


class Osinfo:
    """The database in a folder; files are read when they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found: dict[str, GuestSystem | None] = {}

    def system(self, name: str) -> GuestSystem | None:
        """Give the system of a short name such as ``ubuntu24.04``, or of an address."""
        if name not in self._found:
            node = self._by_name(name)
            self._found[name] = None if node is None else self._read(node)
        return self._found[name]

    def names(self) -> list[str]:
        """Give the short names of all systems."""
        found: set[str] = set()
        for path in self._paths:
            for node in _all(_parse(path), "os"):
                found.update(short.text or "" for short in node.iterfind("short-id"))
        return sorted(found)

    def short_name(self, full_name: str) -> str:
        """Give the short name of the system of a full name, "" where there is none.

        Upper and lower case, spaces and the name of the maker make no difference: ``windows 11`` is
        the system ``Microsoft Windows 11``. Reads the whole database at the first call.
        """
        return self._full_names.get(_words(full_name), "")

    @functools.cached_property
    def _full_names(self) -> dict[str, str]:
        """The short names of systems by their full ones, with and without words of the maker."""
        found: dict[str, str] = {}
        shorter: dict[str, str] = {}
        for path in self._paths:
            for node in _all(_parse(path), "os"):
                name, short = node.findtext("name") or "", node.findtext("short-id") or ""
                found.setdefault(_words(name), short)
                shorter.setdefault(_words(_WORDS_LEFT_OUT.sub("", name)), short)
        return shorter | found

    @functools.cached_property
    def _paths(self) -> list[Path]:
        return sorted((self.folder / "os").rglob("*.xml"))

    @functools.cached_property
    def _devices(self) -> dict[str, str]:
        """The names of devices by their addresses."""
        found = {}
        for path in (self.folder / "device").rglob("*.xml"):
            for node in _all(_parse(path), "device"):
                found[node.get("id") or ""] = node.findtext("name") or ""
        return found

    def _by_name(self, name: str) -> Node | None:
        for path in self._likely(name):
            for node in _all(_parse(path), "os"):
                known = {short.text for short in node.iterfind("short-id")}
                if name in known or name == node.get("id"):
                    return node
        return None

    def _likely(self, name: str) -> Iterator[Path]:
        """Give the files that mention a name, those that are called like it first."""
        plain = _plain(name)
        near = [path for path in self._paths if _plain(path.stem) == plain]
        yield from near
        seen = set(near)
        wanted = re.compile(
            rb">%b<|\"%b\"" % ((re.escape(name.encode(errors="surrogateescape")),) * 2)
        )
        for path in self._paths:
            if path not in seen and wanted.search(_bytes(path)):
                yield path

    def _by_id(self, id_: str) -> Node | None:
        # addresses end as files are called: http://ubuntu.com/ubuntu/24.04 is ubuntu-24.04.xml
        host, _, rest = id_.partition("://")[2].partition("/")
        path = self.folder / "os" / host / f"{rest.replace('/', '-')}.xml"
        if ".." not in id_:
            for node in _all(_parse(path), "os"):
                if node.get("id") == id_:
                    return node
        return self._by_name(id_)

    def _read(self, node: Node) -> GuestSystem:
        chain = list(self._chain(node))
        devices: set[str] = set()
        firmware: dict[tuple[str, str], bool] = {}
        for ancestor in reversed(chain):
            for listed in ancestor.iterfind("devices/device"):
                name = self._devices.get(listed.get("id") or "", "")
                (devices.discard if listed.get("supported") == "false" else devices.add)(name)
            for kind in ancestor.iterfind("firmware"):
                key = (kind.get("arch") or "", kind.get("type") or "")
                firmware[key] = kind.get("supported") != "false"
        resources: dict[tuple[str, str], tuple[int, int]] = {}
        for ancestor in reversed(chain):
            for listed in ancestor.iterfind("resources"):
                for which in ("minimum", "recommended"):
                    inner = listed.find(which)
                    if inner is not None and listed.get("inherit") != "true":
                        place = (listed.get("arch") or "all", which)
                        resources[place] = (_number(inner, "ram"), _number(inner, "n-cpus"))
        families = (ancestor.findtext("family") for ancestor in chain)
        return GuestSystem(
            node.get("id") or "",
            tuple(short.text or "" for short in node.iterfind("short-id")),
            next((family for family in families if family), ""),
            frozenset(devices - {""}),
            tuple((arch, kind, good) for (arch, kind), good in firmware.items()),
            tuple((*key, *values) for key, values in resources.items()),
        )

    def _chain(self, node: Node) -> Iterator[Node]:
        """Give a system and those that it derives from."""
        seen: set[str | None] = set()
        current: Node | None = node
        while current is not None and len(seen) < _DEEPEST:
            yield current
            seen.add(current.get("id"))
            parent = current.find("derives-from")
            if parent is None:
                parent = current.find("clones")
            id_ = "" if parent is None else parent.get("id") or ""
            current = self._by_id(id_) if id_ and id_ not in seen else None


@functools.cache
def open_database(folder: Path) -> Osinfo:
    """Give the database of a folder, the same one each time."""
    return Osinfo(folder)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(name: str) -> str:
    # Debian 1.3 is not Debian 13
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def _bytes(path: Path) -> bytes:
    try:
        return files.read(path, _MAX_BYTES)
    except OSError:
        return b""


def _parse(path: Path) -> Node | None:
    try:
        return etree.fromstring(_bytes(path), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _all(root: Node | None, tag: str) -> list[Node]:
    return [] if root is None else root.findall(tag)
