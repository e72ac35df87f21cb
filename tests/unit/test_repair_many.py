"""A domain with hundreds of equal findings: each of them takes little once one was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domcaps.choose import change, hosts
from domcaps.choose.change import line_in
from domcaps.choose.repair import repair
from domcaps.choose.text import text_of
from domcaps.hosts.host import Host
from domcaps.validate.document.parse import read

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = Host.open("shipped:debian13-x86_64")
FAULTS = {
    "ports": "<serial type='pty'><target port='0'/></serial>\n",
    "names": "<interface type='user'><alias name='ua-x'/></interface>\n",
    "models": "<video><model type='qxll'/></video>\n",
}


def domain(devices: str) -> bytes:
    return (
        "<domain type='qemu'><name>a</name><memory>1048576</memory>\n"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
        f"<devices>\n{devices}</devices></domain>"
    ).encode()


def counted(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, function: Callable[..., Any]
) -> list[object]:
    calls: list[object] = []

    def count(*given: Any, **more: Any) -> Any:
        calls.append(given)
        return function(*given, **more)

    monkeypatch.setattr(module, name, count)
    return calls


@pytest.mark.parametrize("name", FAULTS)
def test_the_document_is_not_read_again_for_each_finding(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = counted(monkeypatch, hosts, "read", read)
    change._blocks.cache_clear()
    found = repair([HOST], domain(FAULTS[name] * 360), "11.3", effort=300_000)
    assert len(found.findings) > 300
    assert len(reads) + change._blocks.cache_info().misses < len(found.findings)


def test_many_equal_lines_are_soon_compared() -> None:
    lines = ["<same/>"] * 20_000
    old = "\n".join(["<a/>", *lines, "<b/>"]).encode()
    new = "\n".join(["<a c=''/>", *lines, "<more/>", "<b d=''/>"]).encode()
    assert line_in(old, new, 1) == 1
    assert line_in(old, new, len(lines) + 3) >= len(lines)


def test_lines_are_those_of_the_original() -> None:
    old, new = b"a\nb\nc\nd", b"a\nx\ny\nc\nd\ne"
    assert [line_in(old, new, line) for line in range(1, 7)] == [1, 2, 2, 3, 4, 5]


def test_an_element_among_many_of_its_name_is_found() -> None:
    text = text_of(domain(FAULTS["ports"] * 3 + "<x/>" + FAULTS["ports"]))
    found = text.node("/domain/devices/serial[4]/target/@port")
    assert found is not None
    assert found[0].getparent() is text.root.findall("devices/*")[4]
    assert text.node("/domain/devices/serial[5]") is None
