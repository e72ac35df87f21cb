"""The configuration of a project: ``.domcaps.toml``, or ``[tool.domcaps]`` in ``pyproject.toml``.

::

    # .domcaps.toml
    host = ["hosts/web.domcaps", "shipped:debian13-x86_64"]
    libvirt = "debian13"
    schema = true
    ignore = ["unknown-attribute"]
    exclude = ["templates/*"]

    [per-file-ignores]
    "tests/broken/*.xml" = ["disk-target-duplicate"]

The nearest file above a domain counts, and no other. Patterns are compared with the path below the
configuration's folder, and with the file's name alone. Paths are relative to that folder.

A configuration that another user wrote or could write is not used, and a warning says so: in a
folder such as ``/tmp`` anybody could silence findings. The file must belong to root or to the user
that runs domcaps, as the folders above it must, and no other user may write to them. Which programs
may be executed (``--allow-emulator``) and for which user (``--as``) is no part of a configuration:
a project that was cloned must not decide it.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from domcaps import files
from domcaps.errors import DomcapsError, InputError
from domcaps.facts.ownership import weakness_by_name
from domcaps.similar import close_matches
from domcaps.validate.catalogue.former import renamings

if TYPE_CHECKING:
    from domcaps.facts.ownership import Weakness

_OWN = ".domcaps.toml"
_SHARED = "pyproject.toml"
_MAX_BYTES = 256 * 1024

_MAX_DOTS = 300
"""A line with more dots is refused: the cost of a dotted key in TOML is the square of its parts."""

Format = Literal["text", "concise", "json", "sarif", "github", "gitlab", "junit"]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The keys of a configuration, which have the names of the options of ``domcaps validate``.

    The first group is about each file below the configuration, the second about a whole run: that
    is taken from the configuration of the folder in which domcaps runs.
    """

    host: str | tuple[str, ...] = ()
    libvirt: str = ""
    schema: bool = False
    existing: bool = False
    select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    exclude: tuple[str, ...] = ()
    per_file_ignores: dict[str, frozenset[str]] = {}

    format: Format | None = None
    fail_on: Literal["error", "warning", "notice"] | None = None
    known: str = ""
    notices: bool = False
    explain: bool = False
    statistics: bool = False
    quiet: bool = False
    exit_zero: bool = False
    jobs: int | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that are named, one or several."""
        return (self.host,) if isinstance(self.host, str) else self.host

    def codes(self) -> frozenset[str]:
        """Give every code that the configuration names."""
        return self.ignore.union(self.select, *self.per_file_ignores.values())


class Configured(msgspec.Struct, frozen=True):
    """A configuration and the folder in which it was found."""

    folder: Path
    config: Config

    def below(self, name: str) -> str:
        """Give a path that the configuration names, relative to the current folder or absolute."""
        path = self.folder / name
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

    def hosts(self) -> tuple[str, ...]:
        """Give the hosts as ``--host`` takes them."""
        return tuple(name if _is_no_path(name) else self.below(name) for name in self.config.hosts)

    def excludes(self, file: Path) -> bool:
        """Tell whether a file that was found in a folder is not to be checked."""
        return any(matches(pattern, file, self.folder) for pattern in self.config.exclude)

    def ignored(self, file: Path) -> frozenset[str]:
        """Give the codes that are ignored in a file, as the configuration spells them."""
        codes = set(self.config.ignore)
        for pattern, listed in self.config.per_file_ignores.items():
            if matches(pattern, file, self.folder):
                codes |= listed
        return frozenset(codes)

    def renamings(self) -> tuple[str, ...]:
        """Describe each former spelling of a code that the configuration has."""
        return tuple(renamings(self.config.codes()))


_NONE = Config()


def configured(file: Path) -> Configured:
    """Give the configuration of a file; raises `InputError` where it can't be used.

    Without a configuration it is an empty one, of the file's folder.
    """
    folder = file.absolute().parent
    return _nearest(folder) or Configured(folder, _NONE)


def ignored(file: Path) -> frozenset[str]:
    """Give the codes that the configuration ignores in a file; raises `InputError`."""
    return configured(file).ignored(file)


def matches(pattern: str, file: Path, folder: Path) -> bool:
    """Tell whether a pattern stands for a file: by its path below a folder, or by its name."""
    absolute = file.absolute()
    path = absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else ""
    inside = pattern.rstrip("/") + "/*"
    return any(
        fnmatchcase(name, one)
        for name in (path or absolute.as_posix(), file.name)
        for one in (pattern, inside)
    )


def _is_no_path(name: str) -> bool:
    return name == "local" or name.partition(":")[0] == "shipped"


def _nearest(folder: Path) -> Configured | None:
    # not by recursion: a path may have more folders than Python has frames
    return next(filter(None, map(_in_folder, (folder, *folder.parents))), None)


@functools.cache
def _in_folder(folder: Path) -> Configured | None:
    for path in (folder / _OWN, folder / _SHARED):
        if not path.is_file():
            continue
        if weak := weakness_by_name(str(path)):
            _tell_if_passed_over(path, weak)
        elif (table := _table(path)) is not None:
            return Configured(folder, _config(table, path))
    return None


def _tell_if_passed_over(path: Path, weak: Weakness) -> None:
    with contextlib.suppress(InputError):
        # a project that has nothing to say of domcaps is no matter
        if _table(path) is None:
            return
    sys.stderr.write(f"domcaps: {path} is ignored: {weak.text} ({weak.remedy})\n")


def _table(path: Path) -> Any:
    """Give what a file says of domcaps, None where it says nothing."""
    found = _read(path)
    if path.name == _OWN:
        return found
    tools = found.get("tool")
    return tools.get("domcaps") if isinstance(tools, dict) else None


def _read(path: Path) -> dict[str, Any]:
    # most files have no configuration above them
    import tomllib

    try:
        data = files.read(path, _MAX_BYTES)
        _require_short_keys(data, path)
        # ValueError: bytes that are no UTF-8, no TOML, and numbers of too many digits
        return tomllib.loads(data.decode())
    except OSError as error:
        raise InputError(
            f"this configuration can't be read: {error.strerror}", where=str(path)
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"this configuration can't be read: {error}", where=str(path)) from None


def _require_short_keys(data: bytes, path: Path) -> None:
    lines = (line.count(b".") for line in data.split(b"\n"))
    if sum(dots * dots for dots in lines) > _MAX_DOTS * _MAX_DOTS:
        raise InputError(f"a line has more than {_MAX_DOTS} dots", where=str(path))


def _config(table: Any, path: Path) -> Config:
    _require_known_keys(table, path)
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise InputError(
            f"this configuration can't be used: {error}",
            where=str(path),
            remedy=f"valid keys: {', '.join(_keys())}",
        ) from None
    _require_codes(config, path)
    _require_release(config, path)
    return config


def _keys() -> list[str]:
    return list(Config.__struct_encode_fields__)


def _require_known_keys(table: Any, path: Path) -> None:
    for key in table if isinstance(table, dict) else ():
        if key not in _keys():
            near = close_matches(key.replace("_", "-"), _keys(), n=1)
            raise InputError(
                f"this configuration has an unknown key {key!r}",
                where=str(path),
                remedy=f"did you mean {near[0]!r}?"
                if near
                else f"valid keys: {', '.join(_keys())}",
            )


def _require_codes(config: Config, path: Path) -> None:
    named = sorted(config.codes())
    if named:
        from domcaps.validate.selection import slip

        if wrong := slip(named):
            raise InputError(wrong, where=str(path))


def _require_release(config: Config, path: Path) -> None:
    if not config.libvirt:
        return
    from domcaps.language import check_dialect

    try:
        check_dialect(config.libvirt)
    except DomcapsError as error:
        raise InputError(error.message, where=str(path), remedy=error.remedy) from None
