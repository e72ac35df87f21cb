"""A recording without what tells whose host it is: for reports of bugs, repositories and fleets.

Taken out are the host's UUID, serial numbers and certificates of the processor, names of users and
of the host, paths below home folders, and hardware and network addresses in texts. Each is replaced
by something of the same form, everywhere by the same, so that a redacted recording gives the same
verdicts and reports. ``docs/internals/recordings.md`` lists all that a recording holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from domcaps.facts.record import Recording
from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NO_UUID = "00000000-0000-0000-0000-000000000000"
NO_MAC = "00:00:00:00:00:00"

SYSTEM_ACCOUNTS = frozenset({"", "root", "libvirt-qemu", "qemu", "kvm", "nobody", "system"})
"""Accounts that tell nothing of a person."""

_REASON = ("names, in `reason`", "names replaced")
_PATHS = ("paths below home folders", "`/home/user1/…`")

IDENTIFIES_HOST = {
    "qemu_user": (
        "the name of a user",
        "another name, except for system accounts (root, libvirt-qemu, qemu …)",
    ),
    **dict.fromkeys(("kvm", "vfio", "iommufd"), _REASON),
    **dict.fromkeys(("firmware", "images", "image_sizes", "helpers"), _PATHS),
    "asserted": ("what you wrote", "paths below home folders"),
    # the same on many hosts
    **dict.fromkeys(("arch", "kernel", "cpu", "libvirt", "unread"), ("no", "kept")),
}
"""Fields of `HostRecord` with texts: what in them tells whose host it is, and what becomes of it.

Those without any text need no entry.
"""

_UUID = late_pattern(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_MAC = late_pattern(r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b")
_IPV4 = late_pattern(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_IPV6 = late_pattern(r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])")
_HOME = late_pattern(r"(?P<base>/home/|/Users/|/var/home/|/export/home/)(?P<name>[^/\s\"'\\:,;]+)")

_IDENTITIES = ((_UUID, NO_UUID), (_MAC, NO_MAC), (_IPV6, "::1"), (_IPV4, "192.0.2.1"))
"""Each with what stands for it: a documentation address, and others that are never assigned."""

_SECRET_KEYS = frozenset({"pdh", "cert-chain", "cpu0-id", "serial", "serial-number"})
"""Members of QEMU's replies that identify a processor or a machine (``query-sev-capabilities``)."""

_SERIAL_LEAF = 3
"""The leaf of CPUID that holds the serial number of old processors."""


class _Names:
    """Replaces names, each everywhere by the same."""

    def __init__(self, hostname: str, users: Iterable[str]) -> None:
        self.users: dict[str, str] = {}
        for user in users:
            if user not in SYSTEM_ACCOUNTS:
                self.user(user)
        plain = [hostname, hostname.partition(".")[0]]
        names = sorted({name for name in plain if len(name) > 2}, key=len, reverse=True)
        pattern = "|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in names)
        self._hostname = re.compile(pattern) if names and hostname != "localhost" else None

    def user(self, name: str) -> str:
        """Give what stands for a user."""
        return self.users.setdefault(name, f"user{len(self.users) + 1}")

    def in_path(self, text: str) -> str:
        """Replace users in paths below home folders."""
        return _HOME.sub(lambda found: f"{found['base']}{self.user(found['name'])}", text)

    def in_text(self, text: str) -> str:
        """Replace all that a text for people may tell."""
        text = self.in_path(text)
        for pattern, instead in _IDENTITIES:
            text = pattern.sub(instead, text)
        if self._hostname is not None:
            text = self._hostname.sub("host", text)
        for name, instead in self.users.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", instead, text)
        return text


def redact(recording: Recording, hostname: str = "") -> Recording:
    """Give a recording without what tells whose host it is.

    `hostname` is replaced where a text for people names it. It takes as long as writing the file.
    """
    names = _Names(hostname, [recording.host.qemu_user])
    content = msgspec.json.decode(msgspec.json.encode(recording))
    # paths first: they tell the names of users, which texts may have as well
    content = _mapped(content, names.in_path)
    content = _mapped_texts(content, names.in_text)
    host, node = content["host"], content.get("node") or {}
    if host.get("qemu_user", "") not in SYSTEM_ACCOUNTS:
        host["qemu_user"] = names.user(host["qemu_user"])
    node.pop("objects", None)
    if node.get("uuid"):
        node["uuid"] = NO_UUID
    node["cpuid"] = [leaf for leaf in node.get("cpuid", ()) if leaf[0] != _SERIAL_LEAF]
    content["redacted"] = True
    return msgspec.json.decode(msgspec.json.encode(content), type=Recording)


def _mapped(content: Any, change: Callable[[str], str]) -> Any:
    """Change every text, and forget what identifies a machine in replies."""
    if isinstance(content, str):
        return change(content)
    if isinstance(content, list):
        return [_mapped(one, change) for one in content]
    if isinstance(content, dict):
        return {
            change(key): _forgotten(value) if key in _SECRET_KEYS else _mapped(value, change)
            for key, value in content.items()
        }
    return content


def _forgotten(value: Any) -> Any:
    """Replace a text by one of the same length that is valid base64 as well."""
    if isinstance(value, str):
        return "A" * len(value)
    return _mapped(value, lambda text: text)


def _mapped_texts(content: Any, change: Callable[[str], str]) -> Any:
    """Change the texts that are for people: comments, reasons and what failed."""
    if isinstance(content, list):
        return [_mapped_texts(one, change) for one in content]
    if not isinstance(content, dict):
        return content
    return {
        key: change(value)
        if isinstance(value, str) and _is_for_people(key, content)
        else _mapped_texts(value, change)
        for key, value in content.items()
    }


def _is_for_people(key: str, holder: dict[str, Any]) -> bool:
    # a firmware descriptor has its content under "text"
    return key in {"comment", "reason"} or (key == "text" and "kind" in holder)
