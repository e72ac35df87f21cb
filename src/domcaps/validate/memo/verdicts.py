"""Verdicts on documents that were validated before, byte for byte.

A verdict is a function of the document's bytes, of the options, and of the facts of the target's
world. So it is kept by a digest of the document, for the world in which it was found; the world
itself is asked for each time, since a live host may have changed. What a rule saw of a file that
the domain names may change between two calls: such a verdict is not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domcaps.blake2 import blake2b
from domcaps.errors import DomcapsError
from domcaps.named_tuples import NamedTuple
from domcaps.recent import Recent, shared
from domcaps.validate.check import STOPPED, Validation, validate

if TYPE_CHECKING:
    from domcaps.facts.named_files import FileState
    from domcaps.language.finding import Finding
    from domcaps.language.world import World
    from domcaps.validate.target import OpenWorld

MOST_BYTES = 16 << 20
"""Memory for verdicts, by estimate: enough for about 20,000."""

_Asked = tuple[bytes, frozenset[str], bool, bool]
"""The document's digest, the codes that are ignored, whether it is new, whether by the schema."""


class KnownVerdict(NamedTuple):
    """A validation but for the document itself."""

    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    notices: tuple[Finding, ...]


_targets: Recent[_Asked, tuple[str | None, ...]] = Recent(MOST_BYTES // 4)
"""What a document names of its target, where it could be resolved as it stands."""

_verdicts: Recent[tuple[object, _Asked], KnownVerdict] = Recent(MOST_BYTES)


def validate_once(
    data: bytes,
    open_world: OpenWorld,
    ignore: frozenset[str] = frozenset(),
    *,
    new: bool = True,
    schema: bool = False,
) -> Validation:
    """Give what `validate` gives; the second time for the same document it is looked up."""
    asked = blake2b(data, digest_size=16).digest(), ignore, new, schema
    named = _targets.get(asked)
    if named is not None:
        known = _known(asked, named, open_world)
        if known is not None:
            return _validation(data, known)
    opening = _Opening(open_world)
    done = validate(data, opening, ignore, new=new, schema=schema)
    if not done.accepted:
        # most domains are accepted, and need not wait for this to be read
        from domcaps.validate.fitting import with_fitting_values

        done = with_fitting_values(done, open_world, new=new)
    _keep(asked, opening, done)
    return done


def _known(
    asked: _Asked, named: tuple[str | None, ...], open_world: OpenWorld
) -> KnownVerdict | None:
    try:
        world = open_world(*named)
    except DomcapsError:
        # who validates tells what is wrong
        return None
    return _verdicts.get((_identity(world), asked))


def _validation(data: bytes, known: KnownVerdict) -> Validation:
    return Validation(known.findings, known.unknown, data, known.notices)


def _keep(asked: _Asked, opening: _Opening, done: Validation) -> None:
    if opening.named is None or opening.world is None or opening.looked:
        return
    if any(finding.code == STOPPED for finding in done.findings):
        # with more time it may be another
        return
    known = KnownVerdict(shared(done.findings), shared(done.unknown), shared(done.notices))
    _targets.put(asked, shared(opening.named), 300)
    size = 400 + 600 * len(known.findings) + 100 * len(known.notices)
    _verdicts.put((_identity(opening.world), asked), known, size)


def _identity(world: World) -> object:
    """Give what stands for the target and its facts: two of the same facts share what is kept."""
    return world.kept.setdefault("verdicts", object())


class _Opening:
    """Opens worlds, and notes whether it was one that the document named, and nothing else.

    `looked` tells that a rule saw a file of the host.
    """

    def __init__(self, open_world: OpenWorld) -> None:
        self._open_world = open_world
        self._times = 0
        self.named: tuple[str | None, ...] | None = None
        self.world: World | None = None
        self.looked = False

    def __call__(self, *named: str | None, **more: str) -> World:
        """Open a world."""
        self._times += 1
        self.named = None
        world = self._open_world(*named, **more)
        if self._times == 1 and not more:
            self.named, self.world = named, world
        look: Any = world.look
        if look is not None:

            def noting(path: str) -> FileState | None:
                self.looked = True
                found: FileState | None = look(path)
                return found

            world.look = noting
        return world
