"""Paths through the QAPI schema."""

from __future__ import annotations

import weakref

import msgspec
import pytest

from domcaps.facts.qapi import QapiSchema, schema_of

SCHEMA = QapiSchema(
    msgspec.json.encode(
        [
            {
                "name": "blockdev-add",
                "meta-type": "command",
                "arg-type": "1",
                "ret-type": "0",
                "features": ["savevm"],
            },
            {
                "name": "1",
                "meta-type": "object",
                "members": [
                    {"name": "driver", "type": "2"},
                    {"name": "children", "type": "[3]"},
                ],
                "variants": [{"case": "file", "type": "3"}],
                "tag": "driver",
            },
            {
                "name": "2",
                "meta-type": "enum",
                "values": ["file", "nbd"],
                "members": [{"name": "file"}, {"name": "nbd"}],
            },
            {"name": "[3]", "meta-type": "array", "element-type": "3"},
            {
                "name": "3",
                "meta-type": "object",
                "members": [{"name": "aio", "type": "4", "features": ["deprecated"]}],
            },
            {"name": "4", "meta-type": "enum", "members": [{"name": "threads"}]},
            {"name": "5", "meta-type": "alternate", "members": [{"type": "str"}]},
            {"name": "loop", "meta-type": "array", "element-type": "loop"},
            {"name": "MOVED", "meta-type": "event", "arg-type": "loop"},
        ]
    )
)


@pytest.mark.parametrize(
    "path",
    [
        "blockdev-add",
        "blockdev-add/arg/driver",
        "blockdev-add/arg/driver/value=nbd",
        "blockdev-add/arg/case=file/aio",
        "blockdev-add/arg/case=file/aio/value=threads",
        "blockdev-add/arg/children/aio",
        "blockdev-add/feature=savevm",
        "MOVED",
    ],
)
def test_what_is_there_is_found(path: str) -> None:
    assert SCHEMA.has(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nonesuch",
        "blockdev-add/ret",
        "blockdev-add/arg/nonesuch",
        "blockdev-add/arg/case=nbd",
        "blockdev-add/arg/driver/value=ftp",
        "blockdev-add/arg/driver/value=nbd/more",
        "blockdev-add/feature=nonesuch",
        "MOVED/arg/anything",
    ],
)
def test_what_is_not_there_is_not_found(path: str) -> None:
    assert not SCHEMA.has(path)


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        QapiSchema(b'{"name": 1}')


def test_members_and_cases_are_listed() -> None:
    assert SCHEMA.members("blockdev-add/arg") == ("driver", "children")
    assert SCHEMA.cases("blockdev-add/arg") == ("file",)
    assert SCHEMA.members("blockdev-none/arg") == SCHEMA.cases("none/arg") == ()


def test_equal_replies_share_a_schema_while_it_is_in_use() -> None:
    reply = b'[{"name": "query-sgx", "meta-type": "command"}]'
    schema = schema_of(reply)
    assert schema_of(bytes(bytearray(reply))) is schema
    assert schema_of(b'[{"name": "query-sev", "meta-type": "command"}]') is not schema
    released = weakref.ref(schema)
    del schema
    assert released() is None


def test_what_is_decoded_later_is_refused_at_once() -> None:
    with pytest.raises(msgspec.DecodeError):
        QapiSchema(b'[{"name": "a"}, {"name": "b", "members": 5}]')
