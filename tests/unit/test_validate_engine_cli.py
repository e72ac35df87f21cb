"""``domcaps validate`` and ``domcaps codes``: what they print, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from domcaps.facts.record import HostRecord, Recording
from domcaps.facts.recording import save
from domcaps.validate.document.parse import MAX_BYTES
from fakes import emulator_record

if TYPE_CHECKING:
    from pathlib import Path

GOOD = (
    "<domain type='qemu'>\n<name>a</name>\n<memory>1048576</memory>\n"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n"
    "<devices>\n\t{}\n</devices>\n</domain>\n"
)
BAD = GOOD.format("<video><model type='nobodys'/></video>")
LACKING = GOOD.format("<video><model type='qxl'/></video>")
ODD = GOOD.format("<video><model type='vga' headz='1'/></video>")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("host") / "fake.domcaps"
    record = emulator_record(types=("VGA", "bochs-display"))
    save(Recording(host=HostRecord(arch="x86_64"), emulators=(record,)), path)
    return path


class Tool:
    """The command, run in a folder of its own as a shell would."""

    def __init__(self, host: Path, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def write(self, **files: str | bytes) -> None:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / f"{name}.xml").write_bytes(data)

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", "from domcaps.cli import main; main()", *words],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            timeout=120,
            env={**os.environ, "NO_COLOR": "1"},
        )

    def validate(self, *words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        done = self.run("validate", "--host", str(self.host), *words, stdin=stdin)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *words: str) -> Any:
        return json.loads(self.validate("--format", "json", *words)[1])


@pytest.fixture
def tool(host: Path, tmp_path: Path) -> Tool:
    return Tool(host, tmp_path)


class TestExitCode:
    def test_accepted(self, tool: Tool) -> None:
        tool.write(good=GOOD.format(""), odd=ODD)
        code, out, err = tool.validate("good.xml")
        assert (code, out) == (0, "")
        assert "1 accepted, 0 refused: 0 errors, 0 warnings" in err
        code, out, err = tool.validate("good.xml", "odd.xml")
        assert code == 0
        assert "unknown-attribute" in out
        assert "1 warning" in err

    def test_refused(self, tool: Tool) -> None:
        tool.write(good=GOOD.format(""), bad=BAD)
        code, out, err = tool.validate("bad.xml", "good.xml")
        assert code == 1
        assert "bad.xml:6:16: error:" in out
        assert "1 accepted, 1 refused" in err

    def test_not_read(self, tool: Tool) -> None:
        tool.write(bad=BAD)
        (tool.folder / "folder").mkdir()
        code, out, err = tool.validate("nothing.xml", "bad.xml", "folder")
        assert code == 2
        assert "bad.xml:6" in out
        assert "nothing.xml: No such file" in err
        assert "folder: there is no XML file there" in err
        assert "2 not read" in err

    @pytest.mark.parametrize(
        "words",
        [
            ["--libvirt", "1.0", "a.xml"],
            ["--ignore", "video-model-unknwon", "a.xml"],
            ["--host", "nowhere.domcaps", "a.xml"],
            ["--format", "yaml", "a.xml"],
            [],
        ],
    )
    def test_usage(self, tool: Tool, words: list[str]) -> None:
        tool.write(a=BAD)
        code, out, err = tool.validate(*words)
        assert (code, out) == (2, "")
        assert err


class TestText:
    def test_the_line_with_a_caret(self, tool: Tool) -> None:
        tool.write(bad=BAD)
        _, out, _ = tool.validate("bad.xml")
        lines = out.splitlines()
        assert lines[1] == "    6 |     <video><model type='nobodys'/></video>"
        assert lines[2].index("^") == lines[1].index("type=")
        assert "must be one of '" in lines[0]

    def test_a_fact_comes_with_its_reason(self, tool: Tool) -> None:
        tool.write(lacking=LACKING)
        _, out, _ = tool.validate("lacking.xml")
        assert "because:" in out
        assert "✗ QEMU does not have the type 'qxl'  [qom-list-types" in out

    def test_explain_adds_the_manual(self, tool: Tool) -> None:
        tool.write(bad=BAD)
        assert "must be one of" in tool.validate("--explain", "bad.xml")[1]

    def test_a_long_line_is_cut_around_the_place(self, tool: Tool) -> None:
        tool.write(bad=BAD.replace("\n", " " * 500))
        _, out, _ = tool.validate("bad.xml")
        line, caret = out.splitlines()[1:3]
        assert len(line) < 130
        assert line[caret.index("^") :].startswith("type='nobodys'")

    def test_nothing_for_a_terminal_to_obey(self, tool: Tool) -> None:
        tool.write(bad=BAD.replace("nobodys", "\u009b31m\u200e"))
        _, out, _ = tool.validate("bad.xml")
        assert "\u009b" not in out
        assert "\u200e" not in out
        assert "\x1b" not in out

    def test_standard_input(self, tool: Tool) -> None:
        code, out, _ = tool.validate("-", stdin=BAD.encode())
        assert code == 1
        assert out.startswith("-:6:16: ")

    def test_the_codes_to_ignore(self, tool: Tool) -> None:
        tool.write(bad=BAD)
        assert tool.validate("--ignore", "video-model-type-unknown", "bad.xml")[0] == 0
        assert (
            tool.validate("--ignore", "xml-malformed,video-model-type-unknown", "bad.xml")[0] == 0
        )


class TestJson:
    def test_of_several_files(self, tool: Tool) -> None:
        tool.write(good=GOOD.format(""), bad=LACKING)
        answer = tool.json("good.xml", "nothing.xml", "bad.xml")
        good, nothing, bad = answer["files"]
        assert answer["libvirt"] == "12.8"
        assert (good["accepted"], good["findings"]) == (True, [])
        assert "No such file" in nothing["error"]
        assert bad["accepted"] is False
        (finding,) = (f for f in bad["findings"] if f["code"] == "video-model-type-unsupported")
        assert finding["severity"] == "error"
        assert finding["line"] == 6
        assert finding["reason"]["truth"] == "no"

    def test_of_a_broken_one(self, tool: Tool) -> None:
        tool.write(bad="<domain")
        (file,) = tool.json("bad.xml")["files"]
        assert file["findings"][0]["code"] == "xml-malformed"


class TestSarif:
    def test_results_have_rules_and_places(self, tool: Tool) -> None:
        tool.write(**{"a b": BAD, "odd": ODD, "good": GOOD.format("")})
        words = ("--format", "sarif", "a b.xml", "good.xml", "odd.xml", "nothing.xml")
        log = json.loads(tool.validate(*words)[1])
        assert log["version"] == "2.1.0"
        (run,) = log["runs"]
        rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
        assert {result["ruleId"] for result in run["results"]} == set(rules)
        unknown = rules["video-model-type-unknown"]
        assert "must be one of" in unknown["help"]["text"]
        first = next(r for r in run["results"] if r["ruleId"] == "video-model-type-unknown")
        place = first["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%20b.xml"
        assert place["region"] == {"startLine": 6, "startColumn": 16}
        assert [r["level"] for r in run["results"] if "odd" in str(r)] == ["warning"]

    def test_a_file_that_is_not_there_is_no_clean_bill(self, tool: Tool) -> None:
        tool.write(good=GOOD.format(""))
        (run,) = json.loads(tool.validate("--format", "sarif", "gone.xml", "good.xml")[1])["runs"]
        (invocation,) = run["invocations"]
        assert invocation["executionSuccessful"] is False
        (told,) = invocation["toolExecutionNotifications"]
        assert told["message"]["text"] == "gone.xml: No such file or directory"

    def test_of_nothing(self, tool: Tool) -> None:
        tool.write(good=GOOD.format(""))
        log = json.loads(tool.validate("--format", "sarif", "good.xml")[1])
        assert log["runs"][0]["results"] == []
        assert log["runs"][0]["invocations"][0]["executionSuccessful"] is True


class TestManyFiles:
    @pytest.mark.parametrize("jobs", ["1", "3"])
    def test_the_order_is_that_of_the_command_line(self, tool: Tool, jobs: str) -> None:
        names = [f"f{number:03}" for number in range(150)]
        for number, name in enumerate(names):
            tool.write(**{name: BAD if number % 7 == 0 else GOOD.format("")})
        files = [f"{name}.xml" for name in names]
        answer = tool.json("--jobs", jobs, *files)
        assert [file["file"] for file in answer["files"]] == files
        refused = [file["file"] for file in answer["files"] if not file["accepted"]]
        assert refused == files[::7]


class TestConfiguration:
    def test_the_nearest_file_above(self, tool: Tool) -> None:
        inner = tool.folder / "inner"
        inner.mkdir()
        (inner / "bad.xml").write_text(BAD)
        assert tool.validate("inner/bad.xml")[0] == 1
        (tool.folder / "pyproject.toml").write_text(
            '[tool.domcaps]\nignore = ["video-model-type-unknown"]\n'
        )
        assert tool.validate("inner/bad.xml")[0] == 0
        (inner / ".domcaps.toml").write_text("")
        assert tool.validate("inner/bad.xml")[0] == 1

    @pytest.mark.parametrize("pattern", ["inner/*.xml", "bad.xml", "*"])
    def test_some_files_only(self, tool: Tool, pattern: str) -> None:
        (tool.folder / "inner").mkdir()
        (tool.folder / "inner" / "bad.xml").write_text(BAD)
        tool.write(other=BAD)
        (tool.folder / ".domcaps.toml").write_text(
            f'[per-file-ignores]\n"{pattern}" = ["video-model-type-unknown"]\n'
        )
        assert tool.validate("inner/bad.xml")[0] == 0
        assert tool.validate("other.xml")[0] == (0 if pattern == "*" else 1)

    def test_a_project_without_our_table(self, tool: Tool) -> None:
        (tool.folder / "pyproject.toml").write_text("[tool.other]\nignore = 3\n")
        tool.write(bad=BAD)
        assert tool.validate("bad.xml")[0] == 1

    @pytest.mark.parametrize(
        "text",
        ["ignore = 3", "ignor = ['a']", "[", "a = " + "[" * 5000, "\udcff", "#" * 2_000_000],
        ids=["a number", "misspelt", "cut", "deep", "no text", "long"],
    )
    def test_a_broken_one_is_named(self, tool: Tool, text: str) -> None:
        (tool.folder / ".domcaps.toml").write_bytes(text.encode(errors="surrogateescape"))
        tool.write(good=GOOD.format(""))
        code, _, err = tool.validate("good.xml")
        assert code == 2
        assert ".domcaps.toml" in err.splitlines()[0]

    def test_a_slip_of_the_pen_is_named(self, tool: Tool) -> None:
        (tool.folder / ".domcaps.toml").write_text('ignore = ["video-model-unkown"]\n')
        tool.write(good=GOOD.format(""))
        code, _, err = tool.validate("good.xml")
        assert code == 2
        assert ".domcaps.toml" in err
        assert "did you mean video-model-type-unknown" in err


class TestLarge:
    def test_no_more_is_read_than_is_looked_at(self, tool: Tool) -> None:
        with (tool.folder / "huge.xml").open("wb") as stream:
            stream.truncate(MAX_BYTES * 1000)
        code, out, _ = tool.validate("huge.xml")
        assert code == 1
        assert "xml-too-large" in out


class TestCodes:
    def test_all(self, tool: Tool) -> None:
        out = tool.run("codes").stdout.decode()
        assert "video-model-type-unsupported" in out
        assert "video-several-primaries" in out
        assert "xml-malformed" in out

    def test_one(self, tool: Tool) -> None:
        out = tool.run("codes", "video-several-primaries").stdout.decode()
        assert "Reported for" in out
        assert "primary" in out

    def test_json(self, tool: Tool) -> None:
        listed = json.loads(tool.run("codes", "--format", "json").stdout)["codes"]
        one = json.loads(tool.run("codes", "--format", "json", "video-model-type-unknown").stdout)
        assert one.pop("version") == 1
        assert one in listed
        assert one["bad"]["xml"]

    def test_a_slip_of_the_pen(self, tool: Tool) -> None:
        done = tool.run("codes", "video-several-primarys")
        assert done.returncode == 2
        assert b"video-several-primaries" in done.stderr
