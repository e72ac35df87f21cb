"""What the table's records are made of: msgspec's structs, which cost little to define.

A frozen dataclass takes thirty times as long to define, and there are so many that they were a
fifth of the time of a first verdict. `msgspec.structs.replace` makes changed copies.
"""

from __future__ import annotations

import msgspec


class Struct(msgspec.Struct, frozen=True):
    """A frozen record, never decoded from data: its annotations are for type checkers alone."""


class MutableStruct(msgspec.Struct):
    """A record that is changed while it is worked out; like `Struct` it is never decoded."""
