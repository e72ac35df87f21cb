"""Which libraries a program gets, by the dynamic loader's own rules (ld.so(8)), without running it.

For each name that a program or a library needs, glibc's loader looks, in this order, in

1. ``DT_RPATH`` of the library that needs it and of those that needed that one, unless it has a
   ``DT_RUNPATH``;
2. ``LD_LIBRARY_PATH``;
3. ``DT_RUNPATH`` of the library that needs it;
4. ``/etc/ld.so.cache``;
5. the default folders;

and in each folder first in those below ``glibc-hwcaps`` (and, before glibc 2.37, in those named
after the processor). Libraries of ``/etc/ld.so.preload`` come before all. ``DT_AUDIT``,
``DT_DEPAUDIT``, ``DT_AUXILIARY`` and ``DT_FILTER`` have further ones loaded. A relative name counts
from the working folder, which is ``/``. musl's loader knows no cache.

Not only what was found counts: a library that appears in a folder that is searched earlier is taken
from then on. So each such folder's names are a witness, too.
"""

from __future__ import annotations

import functools
import os
import re
import struct
from itertools import product
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from domcaps.fresh.elf import BrokenImageError, read_image
from domcaps.fresh.witness import Content, Listing, ProgramFile, Witness
from domcaps.named_tuples import NamedTuple
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domcaps.fresh.elf import ElfImage
    from domcaps.fresh.host_view import HostView

CACHE = "/etc/ld.so.cache"
PRELOAD = "/etc/ld.so.preload"
CACHE_LIMIT = 8 << 20

_GLIBC = late_pattern(r"ld-linux.*|ld64\.so.*|ld\.so.*|ld-[0-9.]+\.so")
_MUSL = late_pattern(r"ld-musl-(?P<arch>.+)\.so\.1")
_MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")
_BY_PROCESSOR = late_pattern(r"tls|x86_64|haswell|xeon_phi|avx512_1|i[3-6]86|power\d+|z\d+|zEC12")
_TOKEN = late_pattern(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))")
_PLATFORMS = ("haswell", "xeon_phi", "i386", "i486", "i586", "i686", "power8", "power9", "power10")
_NEW_CACHE = b"glibc-ld.so.cache1.1"
_MOST_LIBRARIES = 2000


class Dependencies(NamedTuple):
    """What a program is loaded from.

    `groups` holds, for each file that the loader takes, the places of which it takes one: which,
    depends on the processor. `doubts` say why something else might be taken unnoticed.
    """

    witnesses: tuple[Witness, ...]
    groups: tuple[tuple[str, ...], ...]
    doubts: tuple[str, ...]


class _Loaded(NamedTuple):
    """A file that is loaded, and what needed it."""

    path: str
    image: ElfImage
    above: _Loaded | None

    @property
    def origin(self) -> str:
        return str(PurePosixPath(self.path).parent)


def dependencies(path: str, host_view: HostView, library_path: str) -> Dependencies:
    """Follow the loader for the program at `path`, started with that ``LD_LIBRARY_PATH``."""
    return _Walk(host_view, library_path).follow(path)


def dependencies_of_modules(
    path: str, modules: Iterable[str], host_view: HostView, library_path: str
) -> Dependencies:
    """Follow the loader for modules that the program at `path` may load while it runs.

    A module that can't be loaded is no failure, so `groups` says nothing of what must be loaded.
    """
    found = _Walk(host_view, library_path).follow_modules(path, modules)
    return found._replace(groups=())


class _Walk:
    def __init__(self, host_view: HostView, library_path: str) -> None:
        self._host_view = host_view
        self._library_path = [part for part in re.split(r"[:;]", library_path) if library_path]
        self._witnesses: dict[Witness, None] = {}
        self._groups: list[tuple[str, ...]] = []
        self._doubts: dict[str, None] = {}
        self._is_musl = False
        self._defaults: tuple[str, ...] = ()
        self._cached: dict[str, list[str]] = {}

    def follow(self, path: str) -> Dependencies:
        real = self._host_view.real_path(path)
        image = self._image(real)
        if image is not None and image.interpreter:
            self._follow(_Loaded(real, image, None))
        elif image is not None and image.needed:
            self._doubts[f"{path} needs libraries and names no loader"] = None
        return Dependencies(tuple(self._witnesses), tuple(self._groups), tuple(self._doubts))

    def follow_modules(self, path: str, modules: Iterable[str]) -> Dependencies:
        real = self._host_view.real_path(path)
        image = self._image(real)
        if image is not None and self._is_loader_known(image.interpreter):
            program = _Loaded(real, image, None)
            found = ((module, self._image(module)) for module in modules)
            self._walk(
                program,
                [
                    (name, _Loaded(self._host_view.real_path(module), inner, program))
                    for module, inner in found
                    if inner is not None
                    for name in (*inner.needed, *inner.loads)
                ],
            )
        return Dependencies(tuple(self._witnesses), tuple(self._groups), ())

    def _follow(self, program: _Loaded) -> None:
        if not self._is_loader_known(program.image.interpreter):
            return
        self._take((_from_root(program.image.interpreter),))
        needed = (*self._preloaded(), *program.image.needed, *program.image.loads)
        self._walk(program, [(name, program) for name in needed])

    def _walk(self, program: _Loaded, ahead: list[tuple[str, _Loaded]]) -> None:
        seen: set[tuple[str, str]] = set()
        while ahead:
            name, needing = ahead.pop(0)
            # what is loaded already is taken for a name, unless that depends on who needs it
            named = name, needing.origin if "$" in name else ""
            if named in seen:
                continue
            seen.add(named)
            if len(seen) > _MOST_LIBRARIES:
                self._doubts[f"{program.path} needs more than {_MOST_LIBRARIES} libraries"] = None
                return
            places = self._find(name, needing)
            self._take(places)
            for place in places:
                image = self._image(place)
                if image is not None:
                    found = _Loaded(place, image, needing)
                    ahead += [(more, found) for more in (*image.needed, *image.loads)]

    def _is_loader_known(self, interpreter: str) -> bool:
        """Learn the rules of a loader; they are not known of every one."""
        name = PurePosixPath(interpreter).name
        own = str(PurePosixPath(self._host_view.real_path(interpreter)).parent)
        musl = _MUSL.fullmatch(name)
        if musl:
            self._is_musl = True
            given = self._read(f"/etc/ld-musl-{musl['arch']}.path", 65536)
            folders = re.split(r"[:\n]", given.decode("utf-8", "surrogateescape")) if given else []
            self._defaults = tuple(part for part in folders if part) or _MUSL_FOLDERS
            return True
        if not _GLIBC.fullmatch(name):
            self._doubts[f"the rules of the loader {interpreter} are not known"] = None
            return False
        triplet = f"{os.uname().machine}-linux-gnu"
        pairs = [(f"/lib/{part}", f"/usr/lib/{part}") for part in (triplet, "")]
        flat = [folder.rstrip("/") for pair in pairs for folder in pair]
        self._defaults = tuple(dict.fromkeys((*flat, "/lib64", "/usr/lib64", own)))
        beside = str(PurePosixPath(own).parent / "etc/ld.so.cache")
        for cache in dict.fromkeys((CACHE, beside)):
            for known, places in cached_places(self._read(cache, CACHE_LIMIT)).items():
                self._cached.setdefault(known, []).extend(places)
        return True

    def _preloaded(self) -> list[str]:
        if self._is_musl:
            return []
        text = self._read(PRELOAD, 65536).decode("utf-8", "surrogateescape")
        lines = (line.partition("#")[0] for line in text.splitlines())
        return [name for line in lines for name in re.split(r"[\s:]+", line) if name]

    # -- one library ---------------------------------------------------------------------------

    def _find(self, name: str, needing: _Loaded) -> tuple[str, ...]:
        """Give the places of which the loader takes one for a name; none where it finds none."""
        if "/" in name:
            if not name.startswith(("/", "$")):
                self._doubts[f"{needing.path} needs {name}, relative to the working folder"] = None
            return tuple(map(_from_root, _expand(name, needing.origin)))
        kind = needing.image.kind
        for folder in self._before_cache(needing):
            found = self._in_folder(folder, name, kind)
            if found:
                return found
        cached = self._cached.get(name, ())
        # what the cache names and is not there is taken as soon as it comes
        absent = (place for place in cached if self._host_view.identity(place) is None)
        self._witnesses |= dict.fromkeys(map(ProgramFile, absent))
        known = [place for place in cached if self._suits(place, kind)]
        if known:
            return tuple(dict.fromkeys(known))
        for folder in self._defaults:
            found = self._in_folder(folder, name, kind)
            if found:
                return found
        return ()

    def _before_cache(self, needing: _Loaded) -> Iterator[str]:
        above: _Loaded | None = needing
        while above is not None and not needing.image.runpath:
            if not above.image.runpath:
                yield from self._expanded(above.image.rpath, above)
            above = above.above
        program = needing
        while program.above is not None:
            program = program.above
        yield from self._expanded(tuple(self._library_path), program)
        yield from self._expanded(needing.image.runpath, needing)

    def _expanded(self, folders: tuple[str, ...], holder: _Loaded) -> Iterator[str]:
        for folder in folders:
            for found in _expand(folder, holder.origin):
                if not found.startswith("/") or _tokens(folder) - {"ORIGIN", "LIB"}:
                    self._doubts[
                        f"libraries are looked for in {folder or '.'!r}, which is "
                        "relative or has a name that only the loader knows"
                    ] = None
                place = _from_root(found)
                yield os.path.normpath(place) if ".." not in place else place

    def _in_folder(self, folder: str, name: str, kind: tuple[int, int, int]) -> tuple[str, ...]:
        folders = [*self._special_folders(folder), folder]
        places = [f"{place}/{name}" for place in folders]
        return tuple(place for place in places if self._suits(place, kind))

    def _special_folders(self, folder: str) -> list[str]:
        """Give the folders below one that are searched before it, all of them looked at."""
        if self._is_musl:
            self._names(folder)
            return []
        hwcaps = f"{folder}/glibc-hwcaps"
        found: list[str] = []
        names = self._names(folder)
        if "glibc-hwcaps" in names:
            found += [f"{hwcaps}/{name}" for name in self._names(hwcaps)]
        ahead = [f"{folder}/{name}" for name in names if _BY_PROCESSOR.fullmatch(name)]
        while ahead and len(found) < 100:
            below = ahead.pop()
            found.append(below)
            inner = self._names(below)
            ahead += [f"{below}/{name}" for name in inner if _BY_PROCESSOR.fullmatch(name)]
        for place in found:
            self._names(place)
        return found

    def _names(self, folder: str) -> tuple[str, ...]:
        self._witnesses[Listing(folder)] = None
        return self._host_view.files.names_or_none(folder)

    def _suits(self, place: str, kind: tuple[int, int, int]) -> bool:
        image = self._image(place)
        return image is not None and image.kind == kind

    def _take(self, places: tuple[str, ...]) -> None:
        if places:
            self._groups.append(places)
        for place in places:
            self._witnesses[ProgramFile(place)] = None

    def _image(self, path: str) -> ElfImage | None:
        identity = self._host_view.identity(path)
        if identity is None:
            return None
        try:
            return read_image(self._host_view.files.real(path), identity)
        except (OSError, BrokenImageError) as error:
            self._doubts[f"{path} can't be read: {error}"] = None
            return None

    def _read(self, path: str, limit: int) -> bytes:
        self._witnesses[Content(path, limit)] = None
        try:
            return self._host_view.files.read(path, limit)
        except (OSError, ValueError):
            return b""


def _expand(folder: str, origin: str) -> list[str]:
    """Put in what the loader may put in for ``$ORIGIN``, ``$LIB`` and ``$PLATFORM``."""
    machine = os.uname().machine
    texts = {
        "ORIGIN": (origin,),
        "LIB": ("lib", "lib64", f"lib/{machine}-linux-gnu"),
        "PLATFORM": (machine, *_PLATFORMS),
    }
    names = _tokens(folder) & texts.keys()
    return [
        _put_in(folder, dict(zip(names, chosen, strict=True)))
        for chosen in product(*(texts[name] for name in names))
    ]


def _tokens(folder: str) -> set[str]:
    return {found["braced"] or found["plain"] for found in _TOKEN.finditer(folder)}


def _put_in(folder: str, texts: Mapping[str, str]) -> str:
    # other names stay as they are
    return _TOKEN.sub(lambda found: texts.get(found["braced"] or found["plain"], found[0]), folder)


def _from_root(path: str) -> str:
    """Give the path that a relative one means to a program: programs are executed in ``/``."""
    return path if path.startswith("/") else f"/{path}".removesuffix("/.") or "/"


@functools.lru_cache(maxsize=2)
def cached_places(data: bytes) -> dict[str, list[str]]:
    """Give which places ``/etc/ld.so.cache`` names for each library; nothing of what is broken.

    A program and its modules are followed one after the other, with the same cache.

    The form is that of glibc 2.2 and later (``struct cache_file_new`` in its dl-cache.h), which may
    follow the older one.
    """
    start = data.find(_NEW_CACHE)
    found: dict[str, list[str]] = {}
    if start < 0:
        return found
    body = data[start:]
    order = ">" if len(body) > 28 and body[28] & 3 == 3 else "<"
    try:
        (count,) = struct.unpack_from(f"{order}I", body, 20)
        entries = struct.iter_unpack(f"{order}iIIIQ", body[48 : 48 + 24 * count])
        for _, key, value, _, _ in entries:
            found.setdefault(_name_at(body, key), []).append(_name_at(body, value))
    except struct.error:
        return {}
    return found


def _name_at(body: bytes, start: int) -> str:
    return body[start : body.find(b"\0", start)].decode("utf-8", "surrogateescape")
