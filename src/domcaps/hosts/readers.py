"""What the readers of the table say of a host: reports, verdicts, reasons, commands and domains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from domcaps._version import DEFAULT_DIALECT
from domcaps.arguments import document
from domcaps.checked import checked
from domcaps.facts.open_files import methods_say_open_files
from domcaps.language import World, check_dialect
from domcaps.language.target import Flags, Question

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Literal, Self, Unpack

    from domcaps.choose.api import WishOptions
    from domcaps.choose.chosen import Chosen
    from domcaps.choose.conversion import Conversion
    from domcaps.choose.repaired import Repair
    from domcaps.extended.capabilities import ExtendedCapabilities
    from domcaps.facts.emulators import Emulators
    from domcaps.facts.host import HostFacts
    from domcaps.native.write import NativeCommand
    from domcaps.report.audit import Audit
    from domcaps.report.capabilities import DomainCapabilities
    from domcaps.report.explain import Explanation
    from domcaps.validate.check import Validation
    from domcaps.validate.explain import DomainExplanation
    from domcaps.validate.folder import FolderValidations
    from domcaps.validate.target import OpenWorld


@methods_say_open_files
class AnyHost(ABC):
    """A host, live or recorded: what can be answered once a target is resolved.

    Subclasses say where the facts come from. Type checkers name this class in their messages.
    """

    emulators: Emulators
    origin: str

    @property
    @abstractmethod
    def facts(self) -> HostFacts:
        """The facts of the host."""

    @property
    @abstractmethod
    def guest_arch(self) -> str:
        """The architecture of guests that name none."""

    @abstractmethod
    def world_of(self, question: Question) -> World:
        """Resolve the target that a question means, and give it with the facts."""

    @abstractmethod
    def known_world(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        libvirt: str,
    ) -> World:
        """Resolve a target, or remember it."""

    @abstractmethod
    def has_emulator(self, arch: str | None = None) -> bool:
        """Tell whether an emulator would be found without naming one."""

    @checked
    def domain_capabilities(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
        *,
        disable_deprecated_features: bool = False,
        expand_cpu_features: bool = False,
        supported_cpu_features: bool = False,
        strict: bool = True,
    ) -> DomainCapabilities:
        """Answer what ``virConnectGetDomainCapabilities`` answers, with its defaults.

        `emulator` is a path, and naming it here allows to execute it, if no user but root and this
        one can change it; without one, the emulator for `arch` is taken, which is the host's own
        where none is given. `machine` may be an alias. Without a `virttype` an accelerated one is
        preferred. `libvirt` names the release whose document is wanted: a release (``9.0``), a
        distribution (``debian12``), or ``auto``, which is that of the host's own libvirt, or the
        newest known where the host has none. With ``strict=False`` a virtualization type that the
        emulator can't serve here is answered all the same. Raises `UnsupportedTargetError`,
        `UnknownDialectError` or a `ProbeError`.
        """
        flags = Flags(disable_deprecated_features, expand_cpu_features, supported_cpu_features)
        path = self.vouch(emulator)
        return self.answer(Question(path, arch, machine, virttype, libvirt, flags, strict))

    @checked
    def extended_capabilities(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
    ) -> ExtendedCapabilities:
        """Answer what libvirt's report leaves out: rows of values, each as `validate` judges it.

        Sound, input, watchdogs, network cards, controllers and more, and values that work only
        together, such as model, back end and version of a TPM. Takes what `world` takes. The result
        has ``.sections``, ``.xml`` and ``.json``. Takes some seconds.
        """
        from domcaps.extended.capabilities import ExtendedCapabilities

        world = self.world(emulator, arch, machine, virttype, libvirt)

        return ExtendedCapabilities(world, partial(self.known_world, libvirt=libvirt))

    @checked
    def audit(
        self, report: str | bytes, libvirt: str = DEFAULT_DIALECT, *, source: str = "report"
    ) -> Audit:
        """Compare the report that a real libvirt wrote with the one that is expected of it.

        `report` is a ``<domainCapabilities>`` document; its target is the one that it names.
        `libvirt` is the release that wrote it. The result has ``.differences``, and ``.promises``
        that are known to be wrong on the target, or that failed in `LiveHost.verify`. Raises
        `InputError` for another document, `UnsupportedTargetError` for a target that this host does
        not have.
        """
        from domcaps.extended.disproved import disproved
        from domcaps.report.audit import audit
        from domcaps.report.read import read_report

        found = read_report(document(report), source, libvirt)
        named = (found.path or None, found.arch or None, found.machine or None)
        world = self.known_world(*named, found.domain or None, libvirt)
        doubtful = disproved(world, partial(self.known_world, libvirt=libvirt))
        return audit(found, world, source, self.shown_lies_of(world), doubtful)

    def shown_lies_of(self, world: World) -> frozenset[str] | None:  # noqa: ARG002 - of a live host
        """Give the paths that `LiveHost.verify` found to be refused, None if nothing is known."""
        return None

    def answer(self, question: Question) -> DomainCapabilities:
        """Answer what `domain_capabilities` does, to a question that is put into words already."""
        from domcaps.report.capabilities import DomainCapabilities
        from domcaps.report.document import build

        return DomainCapabilities(build(self.world_of(question)))

    @checked
    def world(
        self,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
        *,
        flags: Flags = Flags(),  # noqa: B008 - immutable
        strict: bool = True,
    ) -> World:
        """Settle the target as `domain_capabilities` does, and give it with the facts."""
        path = self.vouch(emulator)
        return self.world_of(Question(path, arch, machine, virttype, libvirt, flags, strict))

    def vouch(self, emulator: str | None) -> str | None:
        """Take an emulator that the caller names for one that may be executed (`docs/security.md`).

        Gives its path, absolute on this machine; a recording executes nothing.
        """
        return emulator

    def for_clients(self) -> Self:
        """Give the same host for who asks in the name of others: naming an emulator allows nothing.

        Use it wherever a client says which emulator is asked (`docs/security.md`).
        """
        return self

    @checked
    def explain(
        self,
        path: str,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
        libvirt: str = DEFAULT_DIALECT,
    ) -> tuple[Explanation, ...]:
        """Tell why something holds for a target or not, down to what was observed.

        `path` is a choice (``video.modelType=qxl``), an enum (``video.modelType``) or an element
        (``video``); the target is settled as `domain_capabilities` does. Raises `RequestError` for
        a path that the table does not have.
        """
        from domcaps.report.explain import explain

        return explain(path, self.world(emulator, arch, machine, virttype, libvirt))

    @checked
    def explain_domain(
        self,
        xml: str | bytes,
        libvirt: str = DEFAULT_DIALECT,
        *,
        emulator: str | None = None,
        arch: str | None = None,
        machine: str | None = None,
        virttype: str | None = None,
    ) -> DomainExplanation:
        """Tell of every choice that a domain uses whether it holds here, and why.

        The target is the one that the domain names, but for the `emulator`, `arch`, `machine` or
        `virttype` that are given. Raises `DomainError` for what is no domain, or names no target
        that this host has.
        """
        from domcaps.validate.explain import explain_domain

        check_dialect(libvirt)
        given = (self.vouch(emulator), arch, machine, virttype)

        def open_world(*named: str | None) -> World:
            wanted = (one or other for one, other in zip(given, named, strict=True))
            return self.known_world(*wanted, libvirt)  # type: ignore[call-arg, arg-type]

        return explain_domain(document(xml), open_world)

    @checked
    def validate(
        self,
        xml: str | bytes,
        libvirt: str = DEFAULT_DIALECT,
        *,
        ignore: Iterable[str] = (),
        new: bool = True,
        schema: bool = False,
    ) -> Validation:
        """Tell whether libvirt would accept a domain on this host, and if not, why.

        `xml` is a ``<domain>`` document, of any bytes. `ignore` names findings that are left out,
        as ``--ignore`` of the command line does: by code (``disk-target-unknown``), by first words
        (``disk-target``) or by pattern (``*-unknown``). A domain is taken for one that is to be
        defined now; with ``new=False`` for one that is already defined in libvirt, in which it
        overlooks some mistakes. ``schema=True`` also refuses what libvirt's schema refuses, as
        ``virsh define --validate`` does: names that it does not know, which are warnings otherwise,
        and forms of values. The result has ``.accepted``, ``.definable`` and ``.findings``; what is
        wrong with the XML is a finding, too. Raises `UnknownDialectError`, and `RequestError` for a
        code that does not exist.
        """
        from domcaps.validate.selection import ignored_codes

        check_dialect(libvirt)

        # many domains name the same target
        open_world = partial(self.known_world, libvirt=libvirt)
        return self.judged(document(xml), open_world, ignored_codes(ignore), new=new, schema=schema)

    def judged(
        self,
        data: bytes,
        open_world: OpenWorld,
        ignored: frozenset[str] = frozenset(),
        *,
        new: bool = True,
        schema: bool = False,
    ) -> Validation:
        """Validate a document in the world that a function gives for the target that it names."""
        from domcaps.validate.memo.verdicts import validate_once

        return validate_once(data, open_world, ignored, new=new, schema=schema)

    @checked
    def validate_folder(
        self,
        folder: str | Path,
        libvirt: str = DEFAULT_DIALECT,
        *,
        ignore: Iterable[str] = (),
        new: bool = True,
        schema: bool = False,
    ) -> FolderValidations:
        """Validate every domain in a folder and below it, as the command does with a folder.

        The result has the files ``*.xml``, sorted, and links after files; hidden ones, and
        documents with another root than ``<domain>`` (``.left_out``), are left out. Files that
        cannot be read are in ``.unread`` with the reason. The other arguments are as in `validate`.
        Raises `InputError` for what is no folder.
        """
        from domcaps.validate.folder import validate_folder

        ignored = tuple(ignore)
        judge = partial(self.validate, libvirt=libvirt, ignore=ignored, new=new, schema=schema)
        return validate_folder(folder, judge)

    @checked
    def native(
        self,
        xml: str | bytes,
        libvirt: str = DEFAULT_DIALECT,
        *,
        judge: bool = True,
        new: bool = True,
    ) -> NativeCommand:
        """Give a domain as a command: the emulator and its arguments.

        The domain is validated, and the verdict is the command's `validation`: the command of a
        domain that libvirt refuses means nothing. With `judge` false it is not, which is faster for
        a domain that is known to be accepted. `new` is as in `validate`. What libvirt does beside
        QEMU is in the command's `notes`. Raises `UntoldError` that names the first part that cannot
        be translated; nothing is left out.
        """
        from domcaps.native.write import command_of

        check_dialect(libvirt)
        open_world = partial(self.known_world, libvirt=libvirt)
        data = document(xml)
        command = command_of(data, open_world, new=new)
        if judge:
            command.validation = self.validate(data, libvirt, new=new)
        return command

    @checked
    def choose(
        self,
        name: str = "guest",
        memory: str | int | None = None,
        vcpus: int | None = None,
        **wishes: Unpack[WishOptions],
    ) -> Chosen:
        """Choose a domain in which everything holds on this host.

        `memory` is a text with a unit, such as ``4GiB``, or a number of bytes as an int.
        The result has ``.xml``, and ``.steps`` that tell what was decided and why. `wishes` are
        those of ``domcaps new``; see `domcaps.WishOptions`. Raises `UnmetWishesError` with the
        fewest wishes that can't be met together.
        """
        from domcaps.choose.api import choose

        return choose([self], self.guest_arch, name, memory, vcpus, **wishes)

    @checked
    def repair(
        self, xml: str | bytes, libvirt: str = DEFAULT_DIALECT, *, new: bool = True
    ) -> Repair:
        """Repair a domain by the fewest edits after which it is accepted on this host.

        The result has ``.data`` (the text, in which all that was not edited is as it was),
        ``.changes`` with a reason for each, and ``.diff``. `new` is as in `validate`. Raises
        `DomainError` for what is not XML, `InputError` for text that can't be edited in place.
        """
        from domcaps.choose.repair import repair

        check_dialect(libvirt)
        return repair([self], document(xml), libvirt, new=new)

    @checked
    def convert(
        self,
        xml: str | bytes,
        libvirt: str = DEFAULT_DIALECT,
        *,
        to: Literal["q35", "pc"] | None = None,
        hotplug: int = 0,
        keep: bool = False,
        new: bool = True,
    ) -> Conversion:
        """Convert a domain to this host, and with `to` to another machine type of x86.

        As ``domcaps convert``: `hotplug` is a number of free PCI Express ports to add, `keep`
        writes the versioned machine type. `new` is as in `validate`. The result has ``.data`` (the
        text), ``.accepted``, ``.repair`` with each change, and ``.notices``: what the guest sees.
        Raises `DomainError` for what is not XML, `InputError` for text that can't be edited in
        place, `RequestError` for a guest that can't have that machine type.
        """
        from domcaps.choose.conversion import convert

        check_dialect(libvirt)
        data = document(xml)
        return convert([self], data, libvirt, board=to or "", hotplug=hotplug, keep=keep, new=new)
