"""Plain command lines run without click: they print what click's commands print."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domcaps.cli import _replayed
from domcaps.cli._plain import runner

HOST = ["--host", "shipped:sid-x86_64"]

GOOD = """<domain type='qemu'><name>a</name><memory>1048576</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""
BAD = GOOD.replace("</domain>", "<devices><video><model type='qxx'/></video></devices></domain>")

LINES = [
    ["validate", *HOST, "good.xml"],
    ["validate", *HOST, "good.xml", "bad.xml", "missing.xml"],
    ["validate", *HOST, "--format", "concise", "--notices", "bad.xml"],
    ["validate", *HOST, "--format=json", "--schema", "bad.xml"],
    ["validate", *HOST, "--statistics", "--explain", "bad.xml"],
    ["validate", *HOST, "--libvirt", "9.0", "-q", "bad.xml"],
    ["validate", *HOST, "--libvirt", "auto", "bad.xml"],
    ["validate", *HOST, "--select", "video", "--ignore", "video-model", "bad.xml"],
    ["validate", *HOST, "--exit-zero", "--existing", "--no-schema", "bad.xml"],
    ["validate", *HOST, "--fail-on", "warning", "--quiet", "--quiet", "bad.xml"],
    # what is wrong with a command line is printed in the same words
    ["validate", *HOST, "--select", "no-such-code", "bad.xml"],
    ["validate", "--host", "shipped:no*", "bad.xml"],
    ["validate", *HOST, "--statistics", "--format", "github", "bad.xml"],
    ["validate", *HOST, "--format", "yaml", "bad.xml"],
    ["validate", *HOST, "--libvirt", "1.0", "bad.xml"],
    ["explain", *HOST, "video.modelType"],
    ["explain", *HOST, "--format", "json", "--arch", "x86_64", "video.modelType=qxl"],
    ["explain", *HOST, "qxl"],
    ["explain", *HOST, "cpu.custom=EPYC"],
    ["explain", *HOST, "--machine", "no-such", "video"],
    ["explain", *HOST, "bad.xml"],
    ["explain", *HOST, "video", "disk"],
    ["codes", "video-none-not-alone"],
    ["codes", "video-model-type-unknown", "--format", "json"],
    ["codes", "qxl"],
    ["codes", "video-nonne"],
]


BOTH_WAYS = """
import json, os, sys, tempfile
import domcaps.validate.check
from domcaps import elements
from domcaps.cli import _group, _plain, _replayed, _running

sys.argv[0] = "domcaps"
list(elements.contents())

def plainly():
    found = _replayed.asked(sys.argv[1:])
    command = found and _plain.runner(found)
    _running.run(command) if command else _group.run()

def printed(run, words):
    # a process for each: none recalls what the other printed
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            sys.argv[1:] = words
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            try:
                run()
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(end.code or 0)
            os._exit(99)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(), err.read().decode()

lines = json.load(sys.stdin)
json.dump([[printed(run, words) for run in (plainly, _group.run)] for words in lines], sys.stdout)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("plain")
    (made / "good.xml").write_text(GOOD)
    (made / "bad.xml").write_text(BAD)
    return made


def _run(program: str, words: list[str], folder: Path, given: str = "") -> str:
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder, input=given, stdout=subprocess.PIPE, text=True, check=True, timeout=300,
        env={**os.environ, "XDG_CACHE_HOME": str(folder)},
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def printed(folder: Path) -> dict[str, tuple[list[object], list[object]]]:
    found = json.loads(_run(BOTH_WAYS, [], folder, json.dumps(LINES)))
    return dict(zip(map(" ".join, LINES), found, strict=True))


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_it_prints_what_click_prints(
    words: list[str], printed: dict[str, tuple[list[object], list[object]]]
) -> None:
    plain, by_click = printed[" ".join(words)]
    assert plain == by_click
    assert plain[0] in {0, 1, 2}


@pytest.mark.parametrize("words", [LINES[2], LINES[15], LINES[22]], ids=" ".join)
def test_it_loads_no_click(words: list[str], folder: Path) -> None:
    program = (
        "import sys, atexit; sys.argv[0] = 'domcaps'\n"
        "atexit.register(lambda: print('click' in sys.modules))\n"
        "from domcaps.cli import main\ntry: main()\nexcept SystemExit: pass"
    )
    assert _run(program, words, folder).splitlines()[-1] == "False"


def test_a_verdict_loads_no_inspect(folder: Path) -> None:
    program = (
        "import sys, atexit; sys.argv[0] = 'domcaps'\n"
        "loaded = lambda: print(*{'inspect', 'json', 'typing_extensions'} & {*sys.modules})\n"
        "atexit.register(loaded)\n"
        "from domcaps.cli import main\ntry: main()\nexcept SystemExit as end: print(end.code)"
    )
    words = ["validate", "--host", "shipped:sid-x86_64", "good.xml"]
    # msgspec before 0.20 loads json itself
    by_msgspec = _run("import msgspec, sys; print('json' * ('json' in sys.modules))", [], folder)
    assert _run(program, words, folder).splitlines() == ["0", by_msgspec.strip()]


def test_lxml_calls_what_it_did_not_load(folder: Path) -> None:
    program = (
        "import sys\nfrom domcaps.cli._lean_imports import load_lxml\nload_lxml()\n"
        "assert 'inspect' not in sys.modules\nfrom lxml import etree\n"
        "class Target:\n"
        "    def start(self, tag, attributes, prefixes): print(tag, dict(prefixes))\n"
        "    def close(self): pass\n"
        "etree.fromstring('<a/>', etree.XMLParser(target=Target()))\n"
        "import inspect; print(inspect.getfullargspec(load_lxml).args)"
    )
    assert _run(program, [], folder).splitlines() == ["a {}", "[]"]


def test_libraries_use_what_they_did_not_load(folder: Path) -> None:
    program = (
        "import sys\nfrom domcaps.cli import _lean_imports as lean\n"
        "lean.load_msgspec(); lean.load_pathlib()\n"
        "late = {'platform', 'textwrap', 'urllib.parse'}; assert not late & {*sys.modules}\n"
        "import msgspec, pathlib, uuid\n"
        "class Known(msgspec.Struct):\n"
        "    'What is known.'\n"
        "    id: uuid.UUID\n"
        "print(msgspec.json.schema(Known)['$defs']['Known']['description'])\n"
        "print(pathlib.Path('/a b').as_uri())\n"
        "assert uuid._LINUX == (sys.platform == 'linux')\n"
        "import platform, textwrap, urllib.parse\n"
        "print(platform.python_version() != '', textwrap.dedent(' a'), urllib.parse.quote(' '))"
    )
    lines = _run(program, [], folder).splitlines()
    assert lines == ["What is known.", "file:///a%20b", "True a %20"]


@pytest.mark.parametrize(
    "line",
    [
        "validate --format yaml a.xml",
        "validate --fail-on never a.xml",
        "validate --format json --format text a.xml",
        "codes --format yaml",
        "explain --host a --host b video",
        "explain --libvirt 9.0 --libvirt 8.0 video",
    ],
)
def test_other_lines_are_left_to_click(line: str) -> None:
    found = _replayed.asked(line.split())
    assert found is None or runner(found) is None
