"""Helper programs that stand beside QEMU."""

from domcaps.elements.advice.remedies import install
from domcaps.facts.host import HostFacts
from domcaps.language.observed import HostFact
from domcaps.language.predicate import Predicate


def program_installed(name: str) -> Predicate:
    """The host has that program."""

    def found(host: HostFacts) -> bool:
        program = host.helper(name)
        return program is not None and bool(program.path)

    def seen(host: HostFacts) -> str:
        program = host.helper(name)
        return program.path if program else host.helper_presence(name).reason

    return HostFact(
        f"the program {name!r} is installed", "PATH", found, seen, name, advice=install(name)
    )


def missing_program(name: str) -> Predicate:
    """The program was looked for on the host, and there is none."""

    def looked(host: HostFacts) -> bool:
        return any(program.name == name for program in host.record.helpers)

    return ~program_installed(name) & HostFact(
        f"the program {name!r} was looked for", "PATH", looked
    )
