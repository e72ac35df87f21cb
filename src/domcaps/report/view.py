"""Typed access to what a report says, by the names of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from domcaps.language import Row
from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer


class SectionView:
    """One element of a report: what is supported, its enums, values and parts."""

    def __init__(self, section: Section) -> None:
        self._section = section

    def __repr__(self) -> str:
        """Name the element and whether it is supported."""
        return f"<{self._section.name} supported={self.supported}>"

    @property
    def supported(self) -> bool | None:
        """Whether it can be used; None for an element that only groups others."""
        return self._section.supported

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attributes of the element, such as ``max`` of ``vcpu``."""
        return MappingProxyType(dict(self._section.attributes))

    @property
    def enums(self) -> Mapping[str, tuple[str, ...]]:
        """Each enum with the values that hold."""
        return MappingProxyType(
            {p.name: p.values for p in self._section.parts if isinstance(p, EnumAnswer)}
        )

    @property
    def values(self) -> tuple[str, ...]:
        """Values that stand directly in the element, such as the loader's paths."""
        found = [p.values for p in self._section.parts if isinstance(p, ValuesAnswer)]
        return tuple(value for values in found for value in values)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Computed children, such as CPU models."""
        return tuple(p for p in self._section.parts if isinstance(p, Row))

    @property
    def parts(self) -> SectionViews:
        """Elements inside this one."""
        return SectionViews(tuple(p for p in self._section.parts if isinstance(p, Section)))

    def __getattr__(self, name: str) -> SectionView:
        """Give an element inside this one: ``caps.os.loader``."""
        return getattr(self.parts, name)  # type: ignore[no-any-return]


class SectionViews(Mapping[str, SectionView]):
    """Elements by name: ``devices["video"]`` or ``devices.video``, with ``_`` for ``-``."""

    def __init__(self, sections: tuple[Section, ...]) -> None:
        self._views = {section.name: SectionView(section) for section in sections}

    def __getitem__(self, name: str) -> SectionView:
        """Look up by the name in the document."""
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names in the order of the document."""
        return iter(self._views)

    def __len__(self) -> int:
        """Count the elements."""
        return len(self._views)

    def __getattr__(self, name: str) -> SectionView:
        """Look up by a name that Python can write."""
        for known, view in self.__dict__.get("_views", {}).items():
            if known.replace("-", "_") == name:
                found: SectionView = view
                return found
        raise AttributeError(f"the report has no element {name!r} here")
