"""The answer as applications read it: as XML, as JSON, and by the names of its elements."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from domcaps.blake2 import blake2b
from domcaps.checked import checked
from domcaps.report.view import DeviceViews, FeatureViews, SectionView, TopViews

if TYPE_CHECKING:
    from collections.abc import Collection

    from domcaps.report.document import Document


class DomainCapabilities:
    """What one emulator can give a guest of one kind: libvirt's ``<domainCapabilities>``."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def __str__(self) -> str:
        """Give the document in libvirt's form."""
        return self.xml

    def __repr__(self) -> str:
        """Name the target."""
        return f"<DomainCapabilities {self.machine} {self.virttype} {self.arch} {self.path}>"

    @cached_property
    def xml(self) -> str:
        """The document in libvirt's form, as the dialect asked for prints it."""
        from domcaps.report.xml import to_xml

        return to_xml(self.document)

    @cached_property
    def json(self) -> str:
        """The same content as JSON, with what is `unknown` and the `snapshot`."""
        from domcaps.report.json import to_json

        return to_json(self.document, self.snapshot)

    @property
    def path(self) -> str:
        """The emulator."""
        return self.document.path

    @property
    def virttype(self) -> str:
        """The virtualization type: ``kvm``, ``qemu``, ``hvf`` or ``hyperv``."""
        return self.document.domain

    @property
    def machine(self) -> str:
        """The machine type, by its canonical name."""
        return self.document.machine

    @property
    def arch(self) -> str:
        """The guest's architecture."""
        return self.document.arch

    @checked
    def without(self, paths: Collection[str]) -> DomainCapabilities:
        """Leave statements out: ``video.modelType=qxl``, ``vmcoreinfo``, ``vcpu max`` …."""
        from domcaps.report.truth import leave_out

        return DomainCapabilities(leave_out(self.document, paths))

    @cached_property
    def snapshot(self) -> str:
        """A name of the answer: equal names, equal answers."""
        # what structs print tells apart parts of different kinds that are written alike
        text = repr(self.document).encode("utf-8", "backslashreplace")
        return blake2b(text, digest_size=16).hexdigest()

    @property
    def unknown(self) -> tuple[str, ...]:
        """What could not be decided because the emulator was not asked; it counts as a no."""
        return self.document.unknown

    @cached_property
    def top(self) -> TopViews:
        """Elements that stand at the top: ``vcpu``, ``os``, ``cpu``, ``memoryBacking`` …."""
        return TopViews(self.document.top)

    @cached_property
    def devices(self) -> DeviceViews:
        """Devices, by their element's name."""
        return DeviceViews(self.document.devices)

    @cached_property
    def features(self) -> FeatureViews:
        """Features, by their element's name, with ``_`` for ``-``."""
        return FeatureViews(self.document.features)

    @property
    def os(self) -> SectionView:
        """Firmware and how it is loaded."""
        return self.top.os

    @property
    def cpu(self) -> SectionView:
        """CPU modes and models."""
        return self.top.cpu
