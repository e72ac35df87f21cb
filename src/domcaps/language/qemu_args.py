"""Arguments of QEMU for a choice: what is added to the command line of a bare machine.

::

    Choice("vga", device("VGA"), qemu_args=QemuArgs("-device VGA"))

Words may hold placeholders: ``{value}`` is the name of the choice, ``{id}`` a name that nothing
else in the same run of QEMU has, ``{dir}`` a folder of that run. Several of them are
alternatives: one that works is enough. That is for what depends on the machine, such as its bus.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from domcaps.language.predicate import ALWAYS, Predicate
from domcaps.language.struct import Struct

if TYPE_CHECKING:
    from domcaps.language.world import World


class HelperProcess(Struct, frozen=True):
    """A program that has to run beside QEMU, by the name that it has among the host's helpers.

    `arguments` may hold placeholders. `ready` is the file that is there when it can be used.
    Without a program that is `needed` the choice can't be used at all, since libvirt starts it;
    another one is only needed to try.
    """

    program: str
    arguments: str
    ready: str
    needed: bool = True


class QemuArgs(Struct, frozen=True):
    """Arguments for a choice; they apply `when` that holds.

    `args` are words of the command line, `machine` and `cpu` further options of ``-machine`` and a
    CPU model with its options. `files` are made before, empty but of that many bytes. `lacks` tells
    by words in QEMU's refusal when it is not QEMU but the host that lacks something, and what that
    is: nothing is proven then. What changes the machine, or takes a thing of which there is only
    one, is tried `alone`: not together with other choices.
    """

    args: str = ""
    machine: str = ""
    cpu: str = ""
    when: Predicate = ALWAYS
    files: tuple[tuple[str, int], ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    helper: HelperProcess | None = None
    lacks: tuple[tuple[str, str], ...] = ()
    alone: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether it can't share a run of QEMU with other choices."""
        return bool(self.alone or self.machine or self.cpu or self.environ or self.helper)

    def of(self, value: str) -> QemuArgs:
        """Put the name of a choice into its place."""
        args, machine, cpu = (t.replace("{value}", value) for t in _texts(self))
        return msgspec.structs.replace(self, args=args, machine=machine, cpu=cpu)


class NotTriable(Struct, frozen=True):
    """Nothing can be tried, for that reason, `when` that holds."""

    reason: str
    when: Predicate = ALWAYS

    def of(self, value: str) -> NotTriable:  # noqa: ARG002 - as that of `QemuArgs`
        """Give itself."""
        return self


LIBVIRTS_OWN = NotTriable("nothing to test: it adds no QEMU argument")
"""What libvirt does by itself, so that no QEMU can refuse it."""

Alternative = QemuArgs | NotTriable
Alternatives = tuple[Alternative, ...]
ArgsSource = Alternative | Alternatives | Callable[["World"], Alternatives]
"""What the table has for a choice: alternatives, or a function that makes them for a target."""


class Trial(Struct, frozen=True):
    """Something that a report promises, or not, beside choices: a limit, a path, a CPU model.

    `path` names it as a comparison of reports does. `promised` is None where the report says so by
    having that path.
    """

    path: str
    alternatives: Alternatives
    promised: bool | None = None


def alternatives_of(source: ArgsSource, world: World, value: str = "") -> Alternatives:
    """Give the alternatives that apply to a target, with the choice's name in its place."""
    if callable(source):
        alternatives = source(world)
    else:
        alternatives = source if isinstance(source, tuple) else (source,)
    return tuple(
        alternative.of(value) for alternative in alternatives if world.truth(alternative.when)
    )


def _texts(qemu_args: QemuArgs) -> tuple[str, str, str]:
    return qemu_args.args, qemu_args.machine, qemu_args.cpu
