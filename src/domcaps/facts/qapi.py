"""The QAPI schema of an emulator (QMP ``query-qmp-schema``), and paths through it.

A path names one thing that may or may not be there, step by step, separated by ``/``::

    query-sgx                                the command (or event) itself
    netdev_add/arg/case=stream               a case of a union that an argument takes
    blockdev-add/arg/case=file/aio/value=io_uring   a value of an enumeration
    query-named-block-nodes/arg/flat         an argument
    query-hotpluggable-cpus/ret/props/die-id a member of what is returned
    device_add/feature=json-cli-hotplug      a feature flag of the command

Arrays are looked through: a member of an array is a member of its elements.
"""

from __future__ import annotations

from weakref import WeakValueDictionary

import msgspec

from domcaps.blake2 import blake2b


class _Member(msgspec.Struct, frozen=True):
    name: str = ""
    type: str = ""
    features: tuple[str, ...] = ()


class _Case(msgspec.Struct, frozen=True):
    case: str = ""
    type: str = ""


class _Entity(msgspec.Struct, frozen=True):
    """An entity as it is sent: alternates have members without a name, enums two forms."""

    name: str
    meta_type: str = msgspec.field(name="meta-type", default="")
    arg_type: str = msgspec.field(name="arg-type", default="")
    ret_type: str = msgspec.field(name="ret-type", default="")
    element_type: str = msgspec.field(name="element-type", default="")
    members: tuple[_Member | str, ...] = ()
    variants: tuple[_Case, ...] = ()
    values: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


_DECODER = msgspec.json.Decoder(tuple[_Entity, ...])
_TEXTS = msgspec.json.Decoder(list[msgspec.Raw])
_ENTITY = msgspec.json.Decoder(_Entity)

_IN_USE: WeakValueDictionary[bytes, QapiSchema] = WeakValueDictionary()


def schema_of(reply: msgspec.Raw | bytes) -> QapiSchema:
    """Give the index of a reply; hosts with the same QEMU share it.

    A schema is most of what takes memory of a host. Raises ``msgspec.DecodeError`` where the reply
    is no schema.
    """
    digest = blake2b(reply, digest_size=32).digest()
    known = _IN_USE.get(digest)
    if known is None:
        known = _IN_USE[digest] = QapiSchema(reply)
    return known


class QapiSchema:
    """An index of ``query-qmp-schema``'s reply.

    Of the thousand entities some are asked for: those are decoded, and the others remain text,
    which takes a fifth of the memory.
    """

    def __init__(self, reply: msgspec.Raw | bytes) -> None:
        """Take the raw ``return`` value; raises ``msgspec.DecodeError`` where it is no schema."""
        # what is decoded later must not turn out to be no entity
        names = [entity.name for entity in _DECODER.decode(reply)]
        self._texts = dict(zip(names, _TEXTS.decode(reply), strict=True))
        self._entities: dict[str, _Entity] = {}
        self._known: dict[str, bool] = {}

    def _entity(self, name: str) -> _Entity | None:
        found = self._entities.get(name)
        if found is None and name in self._texts:
            found = self._entities[name] = _ENTITY.decode(self._texts[name])
        return found

    def has(self, path: str) -> bool:
        """Tell whether the path leads somewhere."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._walk(path.split("/"))
        return known

    def reach(self, path: str) -> str:
        """Give as much of the path as leads somewhere, "" for none of it."""
        steps = path.split("/")
        for length in range(len(steps), 0, -1):
            reached = "/".join(steps[:length])
            if self.has(reached):
                return reached
        return ""

    def members(self, path: str) -> tuple[str, ...]:
        """Name the members or values of what a path leads to; nothing where it does not.

        Of a union these are the members that all cases have.
        """
        entity = self._at(path)
        return () if entity is None else self._values(entity)

    def cases(self, path: str) -> tuple[str, ...]:
        """Name the cases of the union that a path leads to."""
        entity = self._at(path)
        return () if entity is None else tuple(case.case for case in entity.variants)

    def _at(self, path: str) -> _Entity | None:
        first, *steps = path.split("/")
        entity = self._entity(first)
        for step in steps:
            kind, _, name = step.rpartition("=")
            entity = self._step(entity, kind, name) if entity is not None else None
        return entity

    def _walk(self, steps: list[str]) -> bool:
        entity = self._entity(steps[0])
        for position, step in enumerate(steps[1:], start=2):
            if entity is None:
                return False
            kind, _, name = step.rpartition("=")
            if kind == "feature" or kind == "value":
                found = name in (entity.features if kind == "feature" else self._values(entity))
                return found and position == len(steps)
            entity = self._step(entity, kind, name)
        return entity is not None

    @staticmethod
    def _values(entity: _Entity) -> tuple[str, ...]:
        if entity.values:
            return entity.values
        return tuple(m.name if isinstance(m, _Member) else m for m in entity.members)

    def _step(self, entity: _Entity, kind: str, name: str) -> _Entity | None:
        if entity.meta_type in {"command", "event"}:
            return self._resolve(entity.ret_type if name == "ret" else entity.arg_type)
        if kind == "case":
            types = [case.type for case in entity.variants if case.case == name]
        else:
            types = [m.type for m in entity.members if isinstance(m, _Member) and m.name == name]
        return self._resolve(types[0]) if types else None

    def _resolve(self, name: str) -> _Entity | None:
        """Give the type of that name, with arrays looked through."""
        entity = self._entity(name)
        for _ in range(8):
            if entity is None or entity.meta_type != "array":
                return entity
            entity = self._entity(entity.element_type)
        return None
