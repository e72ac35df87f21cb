"""Documents that mean no good: each has an answer, soon, and in little memory."""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from domcaps.validate.check import BROKEN
from domcaps.validate.document.parse import MAX_BYTES, MAX_CHILDREN, MAX_ELEMENTS
from sample_hosts import RELEASES, sample_host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domcaps.validate.check import Validation

# a tracer that measures coverage makes every line slower
SECONDS = 30 if sys.gettrace() is None else 300
MOST_MEMORY_MB = 500

HEAD = (
    "<domain type='qemu'><name>a</name><memory>1048576</memory>"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
)


def with_devices(devices: str) -> str:
    return f"{HEAD}<devices>{devices}</devices></domain>"


def laughs(encoding: str = "UTF-8") -> bytes:
    names = "abcdefghijk"
    entities = ['<!ENTITY a "ha">']
    entities += [
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise(names)
    ]
    text = f"<?xml version='1.0' encoding='{encoding}'?><!DOCTYPE d [{''.join(entities)}]>"
    return f"{text}<domain type='&k;'>&k;</domain>".encode(encoding)


def many(template: str, count: int = MAX_CHILDREN) -> str:
    """Give as many devices as there may be."""
    each = template.count("<") - template.count("</")
    number = min(count, (MAX_ELEMENTS - 10) // each)
    return with_devices("".join(template.format(i=i) for i in range(number)))


# name: the document, and a code that it must have ("" for any answer)
HOSTILE: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "billion laughs": (laughs, "xml-declaration"),
    "billion laughs in UTF-16": (lambda: laughs("UTF-16"), "xml-"),
    "entity out of a file": (
        lambda: "<!DOCTYPE d [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><domain>&a;</domain>",
        "xml-declaration",
    ),
    "parameter entity": (
        lambda: f"<!DOCTYPE d [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]>{with_devices('')}",
        "xml-declaration",
    ),
    "document type after a comment": (
        lambda: f"<!-- [ --><?x [?>\n<!DOCTYPE d [<!ENTITY a 'b'>]>{with_devices('')}",
        "xml-declaration",
    ),
    "document type in UTF-7": (
        lambda: (
            b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE d "
            b"[+ADwAIQ-ENTITY a 'b'>]><domain type='qemu'>&a;</domain>"
        ),
        "xml-",
    ),
    "undeclared entity": (
        lambda: f"<!DOCTYPE d SYSTEM 'x.dtd'>{with_devices('&a;')}",
        "xml-declaration",
    ),
    "100 MB": (lambda: b" " * 100_000_000, "xml-too-large"),
    "many devices": (lambda: many("<a/>", MAX_CHILDREN + 1), "xml-too-large"),
    "many elements": (
        lambda: with_devices(f"<a>{'<b/>' * 9000}</a>" * 6),
        "xml-too-large",
    ),
    "deep nesting": (lambda: "<domain>" + "<a>" * 200_000, "xml-too-deep"),
    "deep nesting, closed": (
        lambda: with_devices("<a>" * 300 + "</a>" * 300),
        "xml-too-deep",
    ),
    "nested as deep as may be": (
        lambda: with_devices("<disk>" * 240 + "</disk>" * 240),
        "",
    ),
    "nested chain": (
        lambda: with_devices(
            "<disk type='file'><target dev='vda'/>"
            + "<backingStore type='file'><source file='/a'/>" * 240
            + "</backingStore>" * 240
            + "</disk>"
        ),
        "",
    ),
    "invalid UTF-8": (lambda: with_devices("é").encode() + b"\xff", "xml-malformed"),
    "invalid UTF-8 in a value": (lambda: b"<domain type='\xc3('/>", "xml-malformed"),
    "lone surrogate": (lambda: with_devices("\udc80"), "xml-malformed"),
    "NUL": (lambda: with_devices("\0"), "xml-malformed"),
    "NUL as a reference": (lambda: with_devices("&#0;"), "xml-malformed"),
    "unknown encoding": (lambda: b"<?xml version='1.0' encoding='nobodys'?><a/>", "xml-malformed"),
    "nothing": (lambda: b"", "xml-malformed"),
    "white space": (lambda: b" \n ", "xml-malformed"),
    "open comments": (lambda: "<!--" * 500_000, "xml-malformed"),
    "open sections": (lambda: "<![CDATA[" * 300_000, "xml-malformed"),
    "open document types": (lambda: "<!DOCTYPE " * 300_000, "xml-malformed"),
    "open document type with quotes": (lambda: "<!DOCTYPE x \"'" * 200_000, "xml-malformed"),
    "less-than signs": (lambda: "<" * 4_000_000, "xml-malformed"),
    "huge attribute": (
        lambda: with_devices(f"<video><model type='{'x' * 4_000_000}'/></video>"),
        "video-model-type-unknown",
    ),
    "attribute of 10 MB": (lambda: with_devices(f"<video a='{'x' * 10_000_000}'/>"), "xml-too"),
    "many attributes": (
        lambda: with_devices("<video " + " ".join(f"a{i}=''" for i in range(200_000)) + "/>"),
        "check-stopped",
    ),
    "huge names": (lambda: with_devices(f"<{'x' * 45_000} {'y' * 45_000}=''/>"), "unknown-element"),
    "huge text": (lambda: with_devices("").replace(">a<", f">{'a' * 4_000_000}<"), ""),
    "integer of 10,000 digits": (
        lambda: with_devices(f"<video><model type='vga' heads='{'9' * 10_000}'/></video>"),
        "video-model-heads-invalid",
    ),
    "processing instructions": (lambda: with_devices("<?php x ?>" * 300_000), ""),
    "comments": (lambda: with_devices("<!-- domcaps: ignore a-b -->" * 140_000), ""),
    "one long suppression": (
        lambda: f"<!-- domcaps: ignore {'a-b, ' * 700_000}-->{with_devices('')}",
        "",
    ),
    "namespaces": (
        lambda: with_devices("<v:video xmlns:v='urn:v' v:type='1'><v:model v:type='1'/></v:video>"),
        "",
    ),
    "all in a namespace": (lambda: with_devices("").replace("type", "xmlns='urn:x' type", 1), "d"),
    "inclusion": (
        lambda: with_devices(
            "<i:include xmlns:i='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>"
        ),
        "",
    ),
    "ranges": (
        lambda: with_devices("").replace(
            "<os>", "<vcpu cpuset='0-4294967295,^7'>2147483647</vcpu><os>"
        ),
        "",
    ),
    "disks": (lambda: many("<disk><target dev='vd{i}' bus='virtio'/></disk>"), ""),
    "equal disks": (lambda: many("<disk><target dev='vda'/></disk>"), ""),
    "interfaces": (lambda: many("<interface/>"), ""),
    "controllers": (lambda: many("<controller type='pci' index='{i}'/>"), ""),
    "controllers, downwards": (lambda: many("<controller type='usb' index='9{i}'/>"), ""),
    "displays": (lambda: many("<video><model type='vga'/></video>"), ""),
    "host devices": (
        lambda: many(
            "<hostdev mode='subsystem' type='pci'><source><address bus='{i}'/></source></hostdev>"
        ),
        "",
    ),
    "addresses": (lambda: many("<rng><address type='pci' bus='{i}' slot='1'/></rng>"), ""),
}


def look(data: str | bytes) -> Validation:
    host = sample_host("x86_64", RELEASES[0])
    assert host is not None
    return host.validate(data)


@pytest.mark.parametrize("name", HOSTILE)
def test_there_is_an_answer(name: str) -> None:
    make, code = HOSTILE[name]
    begin = time.monotonic()
    result = look(make())
    assert time.monotonic() - begin < SECONDS
    assert [text for text in result.unknown if BROKEN in text] == []
    assert not code or any(finding.code.startswith(code) for finding in result.findings)


def test_all_of_them_take_little_memory() -> None:
    """In a process of its own, whose largest size is measured."""
    script = (
        "import re, test_validate_engine_hostile as t\n"
        "for make, _ in t.HOSTILE.values(): t.look(make())\n"
        # of this program alone: what getrusage tells counts the process that started it, too
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])\n"
    )
    folders = [os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))]  # noqa: PTH120
    path = os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    # the documents themselves are part of it, the largest of them 100 MB
    assert int(done.stdout) / 1024 < MOST_MEMORY_MB


class TestDocumentType:
    def test_one_without_declarations_is_passed_over(self) -> None:
        assert look(f"<!DOCTYPE domain>{with_devices('')}").findings == ()

    @pytest.mark.parametrize("where", ["SYSTEM", "PUBLIC '-//x'"])
    def test_its_external_part_is_not_opened(self, tmp_path: Path, where: str) -> None:
        """A pipe would be waited for, and a file read."""
        pipe = tmp_path / "pipe.dtd"
        os.mkfifo(pipe)
        text = f"<!DOCTYPE domain {where} '{pipe}'>{with_devices('')}"
        assert look(text).findings == ()

    def test_one_in_a_comment_or_text_is_none(self) -> None:
        text = "<!DOCTYPE d [<!ENTITY a 'b'>]>"
        assert look(f"<!-- {text} -->{with_devices(f'<![CDATA[{text}]]>')}").findings == ()

    def test_the_network_is_not_asked(self) -> None:
        url = "http://localhost:9/x.dtd"
        assert look(f"<!DOCTYPE domain SYSTEM '{url}'>{with_devices('')}").findings == ()


def test_the_largest_document(request: pytest.FixtureRequest) -> None:
    """One byte below the limit is read, one above is not."""
    text = with_devices("")
    fitting = text.replace("<devices>", f"<!--{' ' * (MAX_BYTES - len(text) - 7)}--><devices>")
    assert len(fitting) == MAX_BYTES
    assert look(fitting).findings == ()
    assert [f.code for f in look(fitting + " ").findings] == ["xml-too-large"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
