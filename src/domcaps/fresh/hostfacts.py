"""Keys of host facts, one for each field of a host's record, and views made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from domcaps.facts.firmware import FirmwareIndex, FirmwareSummary
from domcaps.facts.helper_programs import arguments_of, may_answer_later
from domcaps.facts.helpers import ask_features, not_started, read_helpers
from domcaps.facts.host import HostFacts
from domcaps.facts.host_record import HostReader
from domcaps.facts.record import Helper, HostCpu, HostRecord
from domcaps.fresh.disk_memo import remembered
from domcaps.fresh.key import Key
from domcaps.fresh.programs import look_at_helper
from domcaps.fresh.trusted import trusted_folders, weak_part
from domcaps.fresh.witness import Content, User

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from domcaps.fresh.fetch import Fetch

    T = TypeVar("T")

    class Getter(Protocol):
        """Gives the value of a key."""

        def __call__(self, key: Key[T]) -> T:
            """Give it."""


_ACCOUNTS = ("/etc/passwd", "/etc/group")
_ACCOUNTS_LIMIT = 16 << 20


class HostQuestion(msgspec.Struct, frozen=True):
    """Whose host is asked about.

    `privileged` says whose configuration counts, root's or a user's, None that of this process.
    `qemu_user` is the account that QEMU runs as, "" that of this process, "system" that of the
    system's libvirt.
    """

    privileged: bool | None = None
    qemu_user: str = ""


class Privileged(Key[bool], frozen=True):
    """Whether root's configuration counts."""

    host: HostQuestion

    def task(self, fetch: Fetch) -> bool:
        """Take what was said, or look who this process runs as."""
        if self.host.privileged is not None:
            return self.host.privileged
        seen = fetch.look(User())
        return isinstance(seen, tuple) and seen[1] == 0

    @property
    def text(self) -> str:
        """Say what it is."""
        return "whose configuration counts"


class HostRecordField(Key[Any], frozen=True):
    """One field of `HostRecord`, by its name."""

    host: HostQuestion
    field: str

    def task(self, fetch: Fetch) -> Any:
        """Read it."""
        special = _SPECIAL.get(self.field)
        if special is not None:
            return special(self.host, fetch)
        read: Callable[[], Any] = getattr(_reader(self.host, fetch), self.field)
        return read()

    @property
    def text(self) -> str:
        """Name the field."""
        return f"host: {self.field}"


def _reader(host: HostQuestion, fetch: Fetch, *, privileged: bool = False) -> HostReader:
    return HostReader(
        fetch.files, privileged=privileged, environ=fetch.environ, qemu_user=host.qemu_user
    )


def _look_for_home(fetch: Fetch) -> None:
    """Note where the home folder is taken from without a variable: not the host's files."""
    if not fetch.environ.get("HOME"):
        fetch.look(Content("/etc/passwd", _ACCOUNTS_LIMIT))


def _firmware(host: HostQuestion, fetch: Fetch) -> object:
    _look_for_home(fetch)
    return _reader(host, fetch, privileged=fetch(Privileged(host))).firmware()


def _images(host: HostQuestion, fetch: Fetch) -> object:
    return _reader(host, fetch).images(fetch(HostRecordField(host, "firmware")))


def _image_sizes(host: HostQuestion, fetch: Fetch) -> object:
    return _reader(host, fetch).image_sizes(fetch(HostRecordField(host, "images")))


def _look_at_accounts(host: HostQuestion, fetch: Fetch) -> None:
    """Note the system's accounts, which are not read through the host's files."""
    for path in _ACCOUNTS if host.qemu_user else ():
        fetch.look(Content(path, _ACCOUNTS_LIMIT))


def _kvm(host: HostQuestion, fetch: Fetch) -> object:
    _look_at_accounts(host, fetch)
    return _reader(host, fetch).kvm()


def _qemu_user(host: HostQuestion, fetch: Fetch) -> object:
    _look_at_accounts(host, fetch)
    return _reader(host, fetch).qemu_user()


class HostProcessor(Key[HostCpu], frozen=True):
    """The processor as far as an emulator's answers depend on it: without its topology."""

    host: HostQuestion

    def task(self, fetch: Fetch) -> HostCpu:
        """Take it from the facts."""
        cpu: HostCpu = fetch(HostRecordField(self.host, "cpu"))
        return msgspec.structs.replace(cpu, sockets=1, cores=1, threads=1)

    @property
    def text(self) -> str:
        """Name it."""
        return "host: cpu, without its topology"


class WholeRecord(Key[HostRecord], frozen=True):
    """All facts of a host."""

    host: HostQuestion

    def task(self, fetch: Fetch) -> HostRecord:
        """Fetch each of them."""
        fields = HostRecord.__struct_fields__
        return HostRecord(**{field: fetch(HostRecordField(self.host, field)) for field in fields})

    @property
    def text(self) -> str:
        """Name it."""
        return "host"


class Index(Key[FirmwareIndex], frozen=True):
    """The firmware descriptors, parsed."""

    host: HostQuestion

    def task(self, fetch: Fetch) -> FirmwareIndex:
        """Parse them."""
        return FirmwareIndex(
            fetch(HostRecordField(self.host, "firmware")),
            fetch(HostRecordField(self.host, "images")),
        )

    @property
    def text(self) -> str:
        """Name it."""
        return "firmware descriptors, parsed"


class FirmwareForGuest(Key[FirmwareSummary], frozen=True):
    """What firmware offers to one kind of guest."""

    host: HostQuestion
    arch: str
    machine: str

    def task(self, fetch: Fetch) -> FirmwareSummary:
        """Sum it up."""
        return fetch(Index(self.host)).summary(self.arch, self.machine)

    @property
    def text(self) -> str:
        """Name the guest."""
        return f"firmware for {self.arch} {self.machine}"


class KvmUsable(Key[bool], frozen=True):
    """Whether emulators can be asked with KVM."""

    host: HostQuestion

    def task(self, fetch: Fetch) -> bool:
        """Take it from the facts."""
        usable: bool = fetch(HostRecordField(self.host, "kvm")).usable
        return usable

    @property
    def text(self) -> str:
        """Name it."""
        return "host: kvm is usable"


class OneHelper(Key[tuple[Helper, ...]], frozen=True):
    """What was found of one helper program: at most one record."""

    host: HostQuestion
    name: str

    def task(self, fetch: Fetch) -> tuple[Helper, ...]:
        """Take it from the facts."""
        helpers: tuple[Helper, ...] = fetch(HostRecordField(self.host, "helpers"))
        return tuple(helper for helper in helpers if helper.name == self.name)

    @property
    def text(self) -> str:
        """Name it."""
        return f"helper program {self.name}"


class HelperFeatures(Key[Helper], frozen=True):
    """What a helper program says that it can do."""

    helper: Helper

    def task(self, fetch: Fetch) -> Helper:
        """Ask it, unless its answer is remembered from another process."""
        return remembered(fetch, ("helper", repr(self.helper)), Helper, self._ask)

    def _ask(self, fetch: Fetch) -> Helper:
        if reason := self._distrust(fetch):
            return msgspec.structs.replace(self.helper, reason=reason)
        asked = ask_features(fetch.files, self.helper)
        if may_answer_later(asked):
            fetch.forget(asked.reason or "it did not answer in time", is_momentary=True)
        return asked

    def _distrust(self, fetch: Fetch) -> str:
        """Say what lets another user change the program, or those that it asks; "" for nothing."""
        found = ""
        for parts in tuple(look_at_helper(self.helper, fetch)):
            for folder in trusted_folders(parts.witnesses, fetch.host_view):
                fetch.look(folder)
            if weak := weak_part(parts, fetch.host_view):
                found = found or not_started(weak[1].text)
        return found

    @property
    def text(self) -> str:
        """Name the program."""
        return f"features of {self.helper.path}"


def _helpers(host: HostQuestion, fetch: Fetch) -> tuple[Helper, ...]:
    """Look for helper programs, and ask each one that can be asked by a task of its own."""
    _look_for_home(fetch)
    found = read_helpers(
        fetch.files, privileged=fetch(Privileged(host)), environ=fetch.environ, run=False
    )
    return tuple(
        fetch(HelperFeatures(helper)) if helper.path and arguments_of(helper.name) else helper
        for helper in found
    )


def need_helpers(fetch: Fetch, host: HostQuestion) -> None:
    """Say that the helper programs will be needed: to ask them takes a third of asking QEMU."""
    fetch.later(HostRecordField(host, "helpers"))


_SPECIAL: dict[str, Callable[[HostQuestion, Fetch], object]] = {
    "privileged": lambda host, fetch: fetch(Privileged(host)),
    "firmware": _firmware,
    "images": _images,
    "image_sizes": _image_sizes,
    "kvm": _kvm,
    "qemu_user": _qemu_user,
    "helpers": _helpers,
}
"""Fields that take more than to be read."""


class FetchedFacts(HostFacts):
    """The facts of a host: what is asked of them is fetched, as a rule for one task."""

    def __init__(self, host: HostQuestion, fetch: Getter) -> None:
        super().__init__(cast("HostRecord", _FetchedRecord(host, fetch)))
        self._host = host
        self._fetch = fetch

    @property
    def firmware(self) -> FirmwareIndex:
        """Give the firmware descriptors."""
        return self._fetch(Index(self._host))

    def helper(self, name: str) -> Helper | None:
        """Give a helper program that is there, None where it is not."""
        return next((h for h in self._fetch(OneHelper(self._host, name)) if h.path), None)

    def firmware_for(self, arch: str, machine: str) -> FirmwareSummary:
        """Sum up what firmware offers to a canonical machine type of an architecture."""
        return self._fetch(FirmwareForGuest(self._host, arch, machine))


class _FetchedRecord:
    """Looks like a `HostRecord`; each field is fetched when it is read."""

    def __init__(self, host: HostQuestion, fetch: Getter) -> None:
        self._host = host
        self._fetch = fetch

    def __getattr__(self, name: str) -> Any:
        if name not in HostRecord.__struct_fields__:
            raise AttributeError(name)
        return self._fetch(HostRecordField(self._host, name))
