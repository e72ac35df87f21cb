"""The small language in which the table is written.

Four words are enough to read an element: a `Choice` is one named thing that a domain may ask
for; a predicate (built with the functions of `domcaps.language.observed`, joined by ``&``, ``|``
and ``~``) says when it holds; `Enum` and `Element` group choices as libvirt's documents do. The
same objects are evaluated by the report and explained to people.
"""

from domcaps.language.dialect import Dialect, check_dialect, known_dialects, parse_dialect
from domcaps.language.predicate import ALWAYS, NEVER, Predicate
from domcaps.language.table import (
    AnyChoice,
    Choice,
    Drift,
    Element,
    Enum,
    Place,
    Row,
    RowReason,
    Rows,
    Values,
)
from domcaps.language.target import Target
from domcaps.language.truth import Reason, Truth
from domcaps.language.world import World

__all__ = [
    "ALWAYS",
    "NEVER",
    "AnyChoice",
    "Choice",
    "Dialect",
    "Drift",
    "Element",
    "Enum",
    "Place",
    "Predicate",
    "Reason",
    "Row",
    "RowReason",
    "Rows",
    "Target",
    "Truth",
    "Values",
    "World",
    "check_dialect",
    "known_dialects",
    "parse_dialect",
]
