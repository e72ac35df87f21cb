"""The facts of another machine, read in rounds: each asks for what the one before needs to know."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from domcaps.errors import FleetError
from domcaps.facts.arch import X86, emulator_names
from domcaps.facts.deciding import masked_leaf
from domcaps.facts.helper_programs import NOT_ASKED, SILENT
from domcaps.facts.helpers import NoAnswer, features_of
from domcaps.facts.host_record import HostReader, HostRecord
from domcaps.facts.kvm import DEVICE
from domcaps.facts.node import Leaf, Node
from domcaps.facts.nodeprobe import INVARIANT_TSC, LEAVES, MSRS, POWER, read_node
from domcaps.fleet.collect.files import USERS, RemoteFiles
from domcaps.fleet.collect.requests import SHELL, malformed, replies, script
from domcaps.fleet.collect.ssh import LARGEST, run

if TYPE_CHECKING:
    import os

    from domcaps.facts.host_parts import Helper
    from domcaps.fleet.collect.requests import Request
    from domcaps.fleet.collect.ssh import SshHost

_ROUNDS = 16
_MOST_REQUESTS = 60_000
_HELLO: Request = ("hello",)
_TOLD = 8
_ARCH_CAPABILITIES = 0x10A
_ENCRYPTED_MEMORY = 0x8000001F
_ELSEWHERE = ("/usr/libexec/qemu-kvm", "/usr/bin/qemu-kvm")
_OF_SYSTEM = ("/usr/", "/bin/", "/run/current-system/")


class Greeting(NamedTuple):
    """Who runs the script there, with what environment, on what machine."""

    user: int
    group: int
    environ: dict[str, str]
    machine: str
    release: str
    version: str


class RemoteFacts(NamedTuple):
    """What was read of another machine; `emulators` are those of its search path, with status."""

    host: HostRecord
    node: Node
    emulators: dict[str, os.stat_result]
    agent: str


def read_facts(host: SshHost, end: float) -> RemoteFacts:
    """Read the facts of another machine until the time `end`; raises `FleetError`."""
    files = RemoteFiles()
    files.missed[_HELLO] = None
    agent = ""
    for _ in range(_ROUNDS):
        agent = _round(host, files, agent, end)
        greeting = _greeting(files)
        files.named(greeting.machine, greeting.release, greeting.version)
        found = _facts(files, greeting, agent)
        if not files.missed:
            return found
    raise FleetError(f"the host's files were not read after {_ROUNDS} rounds")


def _round(host: SshHost, files: RemoteFiles, agent: str, end: float) -> str:
    wanted = list(files.missed)
    files.missed.clear()
    if len(files.known) + len(wanted) > _MOST_REQUESTS:
        raise FleetError(f"the host has more than {_MOST_REQUESTS} files to read")
    mark = f"DOMCAPS_{secrets.token_hex(8)}"
    printed = run(host, "exec /bin/sh", script(wanted, mark, agent), end)
    agent, found = replies(printed, mark, len(wanted))
    files.known.update(zip(wanted, found, strict=True))
    if sum(len(reply.data) for reply in files.known.values()) > LARGEST:
        raise FleetError(f"the host's files have more than {LARGEST >> 20} MiB")
    return agent


def _greeting(files: RemoteFiles) -> Greeting:
    lines = files.known[_HELLO].data.decode("utf-8", "replace").split("\n")
    try:
        user, group, home, config, path, machine, release, version = lines[:_TOLD]
        environ = {"HOME": home, "PATH": path}
        if config != "-":
            environ["XDG_CONFIG_HOME"] = config
        found = Greeting(int(user), int(group), environ, machine, release, version)
    except ValueError as error:
        raise malformed() from error
    if found.user not in USERS or found.group not in USERS:
        raise malformed()
    return found


def _facts(files: RemoteFiles, greeting: Greeting, agent: str) -> RemoteFacts:
    reader = HostReader(
        files, privileged=greeting.user == 0, environ=greeting.environ, run_helpers=False
    )
    host = HostRecord(**{name: getattr(reader, name)() for name in HostRecord.__struct_fields__})
    node = msgspec.structs.replace(read_node(files), uid=greeting.user, gid=greeting.group)
    host = msgspec.structs.replace(
        host, helpers=tuple(_asked(files, helper) for helper in host.helpers)
    )
    emulators = _emulators(files, greeting, host.arch)
    if agent == SHELL:
        return RemoteFacts(_without_device(files, host), node, emulators, agent)
    if host.arch in X86:
        host, node = _with_processor(files, host, node)
    return RemoteFacts(host, node, emulators, agent)


def _without_device(files: RemoteFiles, host: HostRecord) -> HostRecord:
    """Say of KVM what a shell can tell: whether it may be used; its limits are not known."""
    kvm = host.kvm
    if files.may_use(DEVICE):
        kvm = msgspec.structs.replace(kvm, usable=True, reason="", max_vcpus=0, smm=None)
    return msgspec.structs.replace(host, kvm=kvm)


def _emulators(files: RemoteFiles, greeting: Greeting, arch: str) -> dict[str, os.stat_result]:
    folders = greeting.environ["PATH"].split(":")
    names = emulator_names(arch, arch)
    paths = [f"{folder}/{name}" for name in names for folder in folders if folder.startswith("/")]
    found = {path: files.program(path) for path in dict.fromkeys((*paths, *_ELSEWHERE))}
    return {path: status for path, status in found.items() if status is not None}


def _asked(files: RemoteFiles, helper: Helper) -> Helper:
    """Ask a helper program of the system for its features; others are not executed."""
    if helper.reason != NOT_ASKED or not helper.path.startswith(_OF_SYSTEM):
        return helper
    try:
        features = features_of(files.ask("features", helper.path))
    except NoAnswer as reason:
        return msgspec.structs.replace(helper, reason=f"{SILENT}{reason}")
    except OSError as error:
        return msgspec.structs.replace(helper, reason=f"{SILENT}{error.strerror}")
    return msgspec.structs.replace(helper, reason="", features=features)


# -- what only the processor and KVM tell ----------------------------------------------------------


def _with_processor(files: RemoteFiles, host: HostRecord, node: Node) -> tuple[HostRecord, Node]:
    leaves = tuple(
        masked_leaf(Leaf(leaf, subleaf, *found))
        for leaf, subleaf in LEAVES
        if (found := _leaf(files, leaf, subleaf))
    )
    values = {number: _number(files, "register", number) for number in (_ARCH_CAPABILITIES, *MSRS)}
    capabilities = values.pop(_ARCH_CAPABILITIES)
    hertz, scaling = _counter(files, leaves)
    node = msgspec.structs.replace(
        node, cpuid=leaves, arch_capabilities=capabilities or 0, tsc_hz=hertz, tsc_scaling=scaling,
        msrs=tuple((number, value) for number, value in values.items() if value is not None),
    )  # fmt: skip
    memory = _leaf(files, _ENCRYPTED_MEMORY, 0) if "sev" in host.cpu.flags else None
    if memory:
        cpu = msgspec.structs.replace(
            host.cpu, cpuid_8000001f_ecx=memory[2], cpuid_8000001f_edx=memory[3]
        )
        host = msgspec.structs.replace(host, cpu=cpu)
    return host, node


def _leaf(files: RemoteFiles, leaf: int, subleaf: int) -> tuple[int, ...] | None:
    """Give a leaf; beyond the last one of its kind a processor answers with an unrelated one."""
    last = _registers(files, leaf & 0xFFFF0000, 0)
    if last is None or not leaf <= last[0] <= leaf | 0xFFFF:
        return None
    return _registers(files, leaf, subleaf)


def _registers(files: RemoteFiles, leaf: int, subleaf: int) -> tuple[int, ...] | None:
    try:
        found = files.number("cpuid", json.dumps(leaf), json.dumps(subleaf))
    except OSError:
        return None
    return tuple(found) if isinstance(found, list) and len(found) == 4 else None


def _number(files: RemoteFiles, *request: object) -> int | None:
    name, *rest = request
    try:
        found = files.number(str(name), *map(json.dumps, rest))
    except OSError:
        return None
    return found if isinstance(found, int) else None


def _counter(files: RemoteFiles, leaves: tuple[Leaf, ...]) -> tuple[int, bool]:
    power = next((leaf.edx for leaf in leaves if leaf.leaf == POWER), 0)
    if not power & INVARIANT_TSC:
        return 0, False
    try:
        found = files.number("counter", "")
    except OSError:
        return 0, False
    if not isinstance(found, list) or len(found) != 2:
        return 0, False
    return found[0] * 1000, bool(found[1])
