"""Trying a whole domain: the real QEMU is started paused with all of it, and ended."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from domcaps.elements.qemu.of_host import UDMABUF
from domcaps.errors import ProbeError
from domcaps.native.write import NativeCommand, command_of
from domcaps.validate.check import Validation, validate
from domcaps.validate.document.parse import read
from domcaps.verify.command import QemuRun
from domcaps.verify.helper_process import HelperProcessError, running
from domcaps.verify.result import NOT_TRIED, REFUSED, STARTS, TriedVerdict
from domcaps.verify.throwaway import throwaway_folder
from domcaps.verify.trying import DEADLINE_SECONDS, Ended, ended_from_outside, late, run
from domcaps.verify.whole.blame import Blame, TrialMessage, messages
from domcaps.verify.whole.prepare import prepared
from domcaps.verify.whole.scene import Scene, TrialReplacement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.facts.named_files import FileState
    from domcaps.language import World
    from domcaps.validate.target import OpenWorld
    from domcaps.verify.whole.qemu_option import QemuOption


class DomainTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of starting a domain.

    `verdict` is ``starts``, ``refused`` or ``not tried``; `reason` says why nothing was tried.
    `said` are QEMU's messages with their elements, `replaced` is what of the host was replaced, and
    `arguments` are those of QEMU, in which DIR stands for the folder of the run. `accepted` is what
    `validate` says of the domain, None where it was not asked.
    """

    verdict: TriedVerdict
    accepted: bool | None
    reason: str = ""
    said: tuple[TrialMessage, ...] = ()
    replaced: tuple[TrialReplacement, ...] = ()
    emulator: str = ""
    qemu: str = ""
    arguments: tuple[str, ...] = ()
    validation: Validation | None = None

    @property
    def errors(self) -> tuple[TrialMessage, ...]:
        """The messages without warnings."""
        return tuple(one for one in self.said if one.severity == "error")

    @property
    def agrees(self) -> bool | None:
        """Whether QEMU confirms what `validate` says; None where one of both said nothing."""
        if self.accepted is None or self.verdict == NOT_TRIED:
            return None
        return self.accepted == (self.verdict == STARTS)


def try_domain(
    data: bytes,
    open_world: OpenWorld,
    *,
    judge: bool = True,
    new: bool = True,
    deadline: float = DEADLINE_SECONDS,
) -> DomainTrial:
    """Validate a domain and start it, with replacements for what the host lacks.

    One that is refused is not started, unless `judge` is false: then it is not validated. Must not
    be called from within a running event loop.
    """
    validation = validate(data, _Overlooking(open_world), new=new) if judge else None
    if validation is not None and validation.errors:
        return DomainTrial(
            verdict=NOT_TRIED, accepted=False, reason="libvirt refuses it", validation=validation
        )
    command = command_of(data, open_world, new=new)
    command.validation = validation
    return try_command(data, command, deadline)


class _Overlooking:
    """Opens worlds in which it is unknown whether files are there that are missing.

    They are replaced, so that it is no fault of the domain; but for those that can't be.
    """

    def __init__(self, open_world: OpenWorld) -> None:
        self._open_world = open_world

    def __call__(self, *named: str | None, **more: str) -> World:
        """Open a world."""
        world = self._open_world(*named, **more)
        look = world.look

        def overlooking(path: str) -> FileState | None:
            state = None if look is None else look(path)
            known = state is not None and (state.exists or path == UDMABUF)
            return state if known else None

        world.look = overlooking
        return world


def try_command(
    data: bytes, command: NativeCommand, deadline: float = DEADLINE_SECONDS
) -> DomainTrial:
    """Start the command of a domain, with replacements for what the host lacks."""
    world = command.world
    assert world is not None  # noqa: S101 - every command that is written has one
    with throwaway_folder() as folder:
        templates = {need.value: need.template for need in command.needs if need.template}
        scene = Scene(world, folder, templates)
        root = read(data).root
        backend = root.find("devices/tpm/backend")
        scene.tpm_version = "2.0" if backend is None else backend.get("version", "2.0")
        options = prepared(scene, command)
        ended, reason = asyncio.run(_started(scene, options, deadline))
    found = messages(ended.printed, world.target.emulator, folder=str(folder)) if ended else ()
    said = Blame(root, options, str(folder)).said(found)
    words = (word.replace(str(folder), "DIR") for option in options for word in option.words)
    return DomainTrial(
        verdict=_verdict(ended, reason),
        accepted=command.accepted,
        reason=reason.replace(str(folder), "DIR"),
        said=said,
        replaced=tuple(sorted(scene.replaced, key=lambda one: one.line)),
        emulator=world.target.emulator,
        qemu=".".join(map(str, world.emulator.version)),
        arguments=tuple(words),
        validation=command.validation,
    )


async def _started(
    scene: Scene, options: Sequence[QemuOption], deadline: float
) -> tuple[Ended | None, str]:
    """Start it with its helpers; gives how it ended, and why nothing is proven by that."""
    words = tuple(word for option in options for word in option.words)
    wanted = QemuRun(words, environ=scene.environment)
    try:
        async with contextlib.AsyncExitStack() as stack:
            folder = str(scene.folder)
            checks = [
                await stack.enter_async_context(running(helper, scene.world.host, folder))
                for helper in scene.helpers
            ]
            ended = await run(scene.world.target.emulator, wanted, deadline)
            for check in checks if not ended.started else ():
                check()
    except HelperProcessError as error:
        return None, str(error)
    except ProbeError as error:
        return None, error.message
    return ended, _unproven(ended, deadline)


def _unproven(ended: Ended, deadline: float) -> str:
    if ended.started:
        return ""
    if ended.is_late:
        return late(deadline)
    if ended.status is None:
        return "it closed its monitor"
    return ended_from_outside(ended.status)


def _verdict(ended: Ended | None, reason: str) -> TriedVerdict:
    if ended is None or reason:
        return NOT_TRIED
    return STARTS if ended.started else REFUSED
