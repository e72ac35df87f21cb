"""Typed access to the XML of a domain: a part declares its fields by their XML paths.

::

    class Hologram(Part):
        path = "devices/hologram"
        model = field("model/@type", choice=MODEL_TYPE)
        depth = field("model/@depth", POSITIVE)

    hologram.model            # a choice's name, or None where the XML has none that is known
    hologram.raw("depth")     # the text as it stands

What a field may be is checked once for all parts, by the validator; a rule that reads a field
may rely on its value having the declared form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from domcaps.language.lazy import KEEPING
from domcaps.language.value_types import TEXT, ValueType, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lxml.etree import _Element as Node

    from domcaps.language.change import LibvirtChange
    from domcaps.language.dialect import Dialect
    from domcaps.language.domain import Domain
    from domcaps.language.fix import Fix
    from domcaps.language.predicate import Predicate
    from domcaps.language.table import Enum

    MissingFix = Callable[[Any], Iterable[Fix]]

T = TypeVar("T")


class Field(Generic[T]):
    """One declared attribute or text: where it stands, its form, its choices."""

    __slots__ = (
        "at_start",
        "attribute",
        "before",
        "choice",
        "default",
        "defined",
        "kind",
        "missing",
        "name",
        "of",
        "path",
        "required",
        "said",
        "since",
        "steps",
        "strict",
    )

    def __init__(
        self,
        path: str,
        kind: ValueType[T],
        *,
        choice: Enum | None,
        required: bool,
        default: T | None,
        since: LibvirtChange | None = None,
        defined: LibvirtChange | None = None,
        strict: LibvirtChange | None = None,
        before: ValueType[Any] | None = None,
        of: str = "",
        at_start: Enum | None = None,
        missing: MissingFix | None = None,
        expected: str = "",
    ) -> None:
        self.path: str = path
        self.kind: ValueType[T] = kind
        self.said: str = expected
        self.choice: Enum | None = choice
        self.required: bool = required
        self.default: T | None = default
        self.since: LibvirtChange | None = since
        self.defined: LibvirtChange | None = defined
        self.strict: LibvirtChange | None = strict
        self.before: ValueType[Any] | None = before
        self.of: str = of
        self.at_start: Enum | None = at_start or choice
        self.missing: MissingFix | None = missing
        self.name = ""
        steps, _, attribute = path.rpartition("@")
        self.attribute: str = attribute if "@" in path else ""
        self.steps: str = (steps if "@" in path else path).rstrip("/")

    @property
    def expected(self) -> str:
        """Complete "x must be …": by the field's own words, else by those of its form."""
        return self.said or self.kind.expected

    def __set_name__(self, owner: type[Part], name: str) -> None:
        """Remember by which name the part knows it."""
        self.name = name

    @overload
    def __get__(self, part: None, owner: type[Part]) -> Field[T]: ...

    @overload
    def __get__(self, part: Part, owner: type[Part]) -> T | None: ...

    def __get__(self, part: Part | None, owner: type[Part]) -> Field[T] | T | None:
        """Give the value, the default, or None."""
        if part is None:
            return self
        if KEEPING.keep is not None:
            kept: T | None = KEEPING.keep(part, self.name, lambda: self._value(part))
            return kept
        # kept under the field's own name: the next access does not come here
        value = part.__dict__[self.name] = self._value(part)
        return value

    def _value(self, part: Part) -> T | None:
        text = self.text(part.node)
        if text is None or not self.is_read(part):
            return self.default
        try:
            return self.kind.parse(text)
        except ValueError:
            return self.default

    def fits(self, text: str, dialect: Dialect) -> bool:
        """Tell whether a text has the form that a dialect takes."""
        form: ValueType[Any] | None = self.kind
        if self.strict is not None and not dialect.has(self.strict):
            form = self.before
        return form is None or fits(form, text)

    def is_read(self, part: Part) -> bool:
        """Tell whether libvirt looks at it at all, where it is there."""
        if self.since is not None and not part.domain.world.target.dialect.has(self.since):
            return False
        if not self.of:
            return True
        other = part.node.find(self.of)
        return other is not None and bool((other.text or "").strip())

    def holder(self, node: Node) -> Node | None:
        """Give the element that carries it."""
        return node.find(self.steps) if self.steps else node

    def text(self, node: Node) -> str | None:
        """Give the text as it stands, None where there is none."""
        holder = node.find(self.steps) if self.steps else node
        if holder is None:
            return None
        if self.attribute:
            return holder.get(self.attribute)
        return holder.text or ""


@overload
def field(
    path: str,
    kind: ValueType[T],
    *,
    choice: Enum | None = None,
    required: bool = False,
    default: T | None = None,
    since: LibvirtChange | None = None,
    defined: LibvirtChange | None = None,
    strict: LibvirtChange | None = None,
    before: ValueType[Any] | None = None,
    of: str = "",
    at_start: Enum | None = None,
    missing: MissingFix | None = None,
    expected: str = "",
) -> Field[T]: ...


@overload
def field(
    path: str,
    *,
    choice: Enum | None = None,
    required: bool = False,
    default: str | None = None,
    since: LibvirtChange | None = None,
    defined: LibvirtChange | None = None,
    strict: LibvirtChange | None = None,
    before: ValueType[Any] | None = None,
    of: str = "",
    at_start: Enum | None = None,
    missing: MissingFix | None = None,
    expected: str = "",
) -> Field[str]: ...


def field(
    path: str,
    kind: ValueType[Any] = TEXT,
    *,
    choice: Enum | None = None,
    required: bool = False,
    default: Any = None,
    since: LibvirtChange | None = None,
    defined: LibvirtChange | None = None,
    strict: LibvirtChange | None = None,
    before: ValueType[Any] | None = None,
    of: str = "",
    at_start: Enum | None = None,
    missing: MissingFix | None = None,
    expected: str = "",
) -> Field[Any]:
    """Declare a field.

    `path` is ``element/@attribute``, ``@attribute``, or ``element`` for its text. `kind` is the
    form, `choice` the enum of the table whose values it takes. A `required` field must be present.
    `default` is what libvirt fills in. `since` is the change by which libvirt came to read it,
    `defined` the one since which a choice that is not available is refused at definition, and not
    only at start. `strict` is the one since which the form is `kind`: earlier it was `before`, or
    any, and the field was not required, where that is None; a text that is not of `kind` has no
    value. `of` is the path of the text without which libvirt does not look at it, as with a
    number's unit. `at_start` is the enum that knows which values do not start, where libvirt takes
    others as well. `missing` gives what to write where a required field is absent. `expected`
    completes "x must be …" with the unit and an example, where the form alone says less.
    """
    return Field(
        path,
        kind,
        choice=choice,
        required=required,
        default=default,
        since=since,
        defined=defined,
        strict=strict,
        before=before,
        of=of,
        at_start=at_start,
        missing=missing,
        expected=expected,
    )


class Part:
    """One XML element of a domain, read through its declared fields.

    `path` is where such elements stand below ``<domain>``; "" is the domain itself. A class
    without a path is a base for others. `since` is the change by which libvirt came to read
    it, `until` that by which it ceased to. In elements named by `unread` libvirt does not look
    for it. `knows` lists attributes and elements that may stand there besides the fields: their
    form is not checked.
    """

    path: ClassVar[str | None] = None
    knows: ClassVar[tuple[str, ...]] = ()
    since: ClassVar[LibvirtChange | None] = None
    until: ClassVar[LibvirtChange | None] = None
    unread: ClassVar[frozenset[str]] = frozenset()
    _fields: ClassVar[dict[type, tuple[Field[Any], ...]]] = {}

    @classmethod
    def is_read(cls, parent: Node) -> bool:
        """Tell whether libvirt looks for such elements in another one."""
        return parent.tag not in cls.unread

    def __init__(self, node: Node, domain: Domain) -> None:
        self.node = node
        self.domain = domain

    def __repr__(self) -> str:
        """Name the element and its line."""
        return f"<{type(self).__name__} line {self.node.sourceline}>"

    @classmethod
    def fields(cls) -> tuple[Field[Any], ...]:
        """Give every declared field, those of base classes too."""
        known = Part._fields.get(cls)
        if known is None:
            declared = {
                name: value
                for base in reversed(cls.__mro__)
                for name, value in vars(base).items()
                if isinstance(value, Field)
            }
            known = Part._fields[cls] = tuple(declared.values())
        return known

    def raw(self, name: str) -> str | None:
        """Give a field's text as it stands."""
        declared: Field[Any] = getattr(type(self), name)
        return declared.text(self.node)

    def find(self, path: str) -> Node | None:
        """Give the first element at a path below this one."""
        return self.node.find(path)

    def find_all(self, path: str) -> list[Node]:
        """Give all elements at a path below this one."""
        return self.node.findall(path)

    def has(self, path: str) -> bool:
        """Tell whether there is an element at a path below this one."""
        return self.node.find(path) is not None

    def holds(self, predicate: Predicate) -> bool:
        """Tell whether something of the table holds for this domain's target."""
        return bool(self.domain.world.truth(predicate))
