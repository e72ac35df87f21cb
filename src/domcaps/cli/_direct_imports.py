"""Finding and loading the modules of this package with few calls of the system.

A command loads hundreds of modules. For each, Python's own finder looks at the folder, at the kind
of what it finds there, and derives the name of the file of bytecode. Here that is done once for a
folder, and each module costs one look at its source and one read of its bytecode. Which bytecode
counts is Python's own rule: the source's time and size stand in it. Whatever is not plain, such as
a missing file of bytecode, an archive, or another place for bytecode, is left to Python.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

_PACKAGE = "domcaps."
_TAG = sys.implementation.cache_tag
_BY_TIME = MAGIC_NUMBER + bytes(4)
"""How bytecode begins that is checked by time and size; those follow in four bytes each."""
_WORD = 0xFFFFFFFF


class DirectFinder:
    """Finds modules of this package that have a source, in the folder of their package."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give where a module is; None where Python's own finders have to look."""
        if path is None or not name.startswith(_PACKAGE) or len(path) != 1:
            return None
        folder, last = path[0], name.rpartition(".")[2]
        source = f"{folder}/{last}.py"
        try:
            status = os.stat(source)  # noqa: PTH116 - pathlib takes longer to load
            inside = None
        except OSError:
            inside = f"{folder}/{last}"
            source = f"{inside}/__init__.py"
            try:
                status = os.stat(source)  # noqa: PTH116
            except OSError:
                return None
            folder, last = inside, "__init__"
        cached = f"{folder}/__pycache__/{last}.{_TAG}.pyc"
        known = _BY_TIME + _in_bytes(int(status.st_mtime)) + _in_bytes(status.st_size)
        spec = ModuleSpec(name, DirectLoader(name, source, cached, known), origin=source)
        if inside is not None:
            spec.submodule_search_locations = [inside]
        spec.has_location = True
        spec.cached = cached
        return spec


class DirectLoader(SourceFileLoader):
    """Python's loader of sources; bytecode that begins with `known` it need not look at again."""

    def __init__(self, name: str, source: str, cached: str, known: bytes) -> None:
        super().__init__(name, source)
        self._cached = cached
        self._known = known

    def get_code(self, fullname: str) -> CodeType | None:
        """Give the code of the module."""
        try:
            file = os.open(self._cached, os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.read(file, os.fstat(file).st_size)
            finally:
                os.close(file)
            if data.startswith(self._known):
                code: CodeType = loads(memoryview(data)[16:])  # noqa: S302 - as Python does
                return code
        except (OSError, ValueError, EOFError, TypeError):
            pass
        return super().get_code(fullname)


def _in_bytes(number: int) -> bytes:
    return (number & _WORD).to_bytes(4, "little")


def install() -> None:
    """Find modules so from now on, unless Python keeps bytecode elsewhere."""
    is_usual = sys.pycache_prefix is None and not sys.flags.optimize and _TAG
    if is_usual and DirectFinder not in sys.meta_path:
        sys.meta_path.insert(0, DirectFinder)
