"""Typed access to what a report says, by the names of the document.

The names of elements are declared, so that type checkers and editors know them and find one that is
misspelt; a test compares them with the table. An element that a release of libvirt does not have
raises `AttributeError`; ``"video" in caps.devices`` tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from domcaps.language import Row
from domcaps.language.wording import did_you_mean
from domcaps.report.answer import EnumAnswer, Section, ValuesAnswer


class SectionView:
    """One element of a report: what is supported, its enums, values and parts.

    Elements inside are attributes of their names: ``caps.os.loader``.
    """

    if TYPE_CHECKING:
        # inside <os>, <cpu> and <hyperv>
        loader: SectionView
        firmwareFeatures: SectionView  # noqa: N815 - libvirt's name
        varstore: SectionView
        host_passthrough: SectionView
        maximum: SectionView
        host_model: SectionView
        custom: SectionView
        defaults: SectionView

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
        """Each enum with the values that are supported, in libvirt's order.

        An element that is not supported has no enums.
        """
        found = {p.name: p.values for p in self._section.parts if isinstance(p, EnumAnswer)}
        return MappingProxyType(_Enums(found))

    @property
    def values(self) -> tuple[str, ...]:
        """Values that stand directly in the element, such as the loader's paths."""
        found = [p.values for p in self._section.parts if isinstance(p, ValuesAnswer)]
        return tuple(value for values in found for value in values)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Computed children, such as the features of ``caps.cpu.host_model``."""
        return tuple(p for p in self._section.parts if isinstance(p, Row))

    @property
    def parts(self) -> SectionViews:
        """Elements inside this one."""
        return SectionViews(tuple(p for p in self._section.parts if isinstance(p, Section)))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> SectionView:
            """Give an element inside this one: ``caps.os.loader``."""
            return getattr(self.parts, name)


class _Enums(dict[str, tuple[str, ...]]):
    """Enums by name; the error for one that is not there names the nearest."""

    def __missing__(self, name: object) -> tuple[str, ...]:
        """Raise `KeyError` with what was meant."""
        hint = did_you_mean(name, self) if isinstance(name, str) else ""
        raise KeyError(f"the element has no enum {name!r} here{hint}")


class SectionViews(Mapping[str, SectionView]):
    """Elements by name: ``devices["video"]`` or ``devices.video``, with ``_`` for ``-``."""

    def __init__(self, sections: tuple[Section, ...]) -> None:
        self._views = {section.name: SectionView(section) for section in sections}

    def __getitem__(self, name: str) -> SectionView:
        """Look up by the name in the document."""
        if name not in self._views:
            raise KeyError(self._lacking(name))
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names in the order of the document."""
        return iter(self._views)

    def __len__(self) -> int:
        """Count the elements."""
        return len(self._views)

    def __repr__(self) -> str:
        """Name the elements."""
        return f"<{', '.join(self._views)}>"

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> SectionView:
            """Look up by a name that Python can write."""
            for known, view in self.__dict__.get("_views", {}).items():
                if known.replace("-", "_") == name:
                    return view
            raise AttributeError(self._lacking(name))

    def _lacking(self, name: object) -> str:
        known = self.__dict__.get("_views", ())
        hint = did_you_mean(name, known) if isinstance(name, str) else ""
        return f"the report has no element {name!r} here{hint}"


class TopViews(SectionViews):
    """The elements that stand at the top of a report."""

    if TYPE_CHECKING:
        vcpu: SectionView
        iothreads: SectionView
        os: SectionView
        cpu: SectionView
        memoryBacking: SectionView  # noqa: N815 - libvirt's name


class DeviceViews(SectionViews):
    """The elements in ``<devices>``."""

    if TYPE_CHECKING:
        disk: SectionView
        graphics: SectionView
        video: SectionView
        hostdev: SectionView
        rng: SectionView
        filesystem: SectionView
        tpm: SectionView
        redirdev: SectionView
        channel: SectionView
        crypto: SectionView
        interface: SectionView
        panic: SectionView
        console: SectionView


class FeatureViews(SectionViews):
    """The elements in ``<features>``, with ``_`` for ``-``."""

    if TYPE_CHECKING:
        gic: SectionView
        vmcoreinfo: SectionView
        genid: SectionView
        backingStoreInput: SectionView  # noqa: N815 - libvirt's name
        backup: SectionView
        async_teardown: SectionView
        s390_pv: SectionView
        ps2: SectionView
        tdx: SectionView
        sev: SectionView
        sgx: SectionView
        hyperv: SectionView
        launchSecurity: SectionView  # noqa: N815 - libvirt's name
