"""What a code of a finding means, for programs: its rule in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domcaps.checked import checked
from domcaps.errors import RequestError
from domcaps.language.finding import Severity, Stage
from domcaps.language.wording import plain

if TYPE_CHECKING:
    from domcaps.validate.catalogue.codes import Code


class CodeInfo(msgspec.Struct, frozen=True):
    """One kind of finding, as ``domcaps codes`` explains it; all texts are plain.

    `title` is the rule in one sentence, `manual` all that is said of it. A finding of the code has
    this `severity`, unless something makes it less certain, and is met at this `stage`. `element`
    is where in a domain it is looked for. `bad` and `good` are elements for which it is reported
    and not reported, "" where there is no example; `needs_host` tells that a host decides which of
    both it is. `url` is the address of its page.
    """

    code: str
    title: str
    severity: Severity
    stage: Stage
    element: str
    manual: str
    bad: str
    good: str
    needs_host: bool
    url: str

    def __str__(self) -> str:
        """Give the code with its title, then the manual, which may begin with the title."""
        title, _, rest = self.manual.partition("\n\n")
        told = rest if title == self.title else self.manual
        return "\n\n".join(filter(None, (f"{self.code}: {self.title}", told)))


@checked
def code(name: str) -> CodeInfo:
    """Explain the code of a finding; a former name of a code is taken for the present one.

    Raises `RequestError` for a code that there is not, with the nearest ones.
    """
    from domcaps.validate.catalogue.codes import code_named

    found = code_named(name) or code_named(present_name(name))
    if found is None:
        raise unknown_code(name)
    return _info(found)


@checked
def codes() -> tuple[CodeInfo, ...]:
    """Explain all codes, sorted by name. Takes about a second the first time."""
    from domcaps.validate.catalogue.codes import codes as every

    return tuple(map(_info, every().values()))


def unknown_code(name: str) -> RequestError:
    """Make the error for a code that there is not."""
    from domcaps.validate.catalogue.codes import near_codes

    near = near_codes(name)
    return RequestError(
        f"unknown code {name!r}",
        remedy=f"did you mean {near}?" if near else "'domcaps codes' lists all codes",
    )


def present_name(name: str) -> str:
    """Give the name that a code has now, of a former one."""
    from domcaps.validate.catalogue.former import former_codes

    return former_codes().get(name, (name,))[0]


def _info(found: Code) -> CodeInfo:
    from domcaps.validate.catalogue.codes import code_url, pretty

    bad, good = (pretty(one.xml) if one else "" for one in (found.bad, found.good))
    return CodeInfo(
        found.name,
        found.title,
        found.severity,
        found.stage,
        found.element,
        plain(found.manual),
        bad,
        good,
        found.host_decides,
        code_url(found.name),
    )
