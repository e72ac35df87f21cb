"""``domcaps validate`` as a linter: files, hosts, selection, thresholds and known findings."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from domcaps.cli._files import gather
from domcaps.cli._watching import wait_for_change, watched
from domcaps.errors import InputError, RecordingError
from linter import BAD, DOMAIN, GOOD, LACKING, ODD, Linter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Linter:
    monkeypatch.chdir(tmp_path)
    return Linter(tmp_path)


class TestFiles:
    def test_a_folder_stands_for_the_domains_below_it(self, lint: Linter) -> None:
        lint.write(d__a=GOOD, d__inner__b=BAD, d__net="<network><name>n</name></network>")
        (lint.folder / "d" / "notes.txt").write_text("no domain")
        (lint.folder / "d" / ".git").mkdir()
        (lint.folder / "d" / ".git" / "x.xml").write_text(BAD)
        done = lint("d")
        assert done.exit_code == 1
        assert "1 accepted, 1 refused" in done.stderr
        assert "1 file skipped: the root element is not <domain>" in done.stderr

    def test_another_document_that_is_named_is_a_finding(self, lint: Linter) -> None:
        lint.write(net="<network><name>n</name></network>")
        assert lint.codes("net.xml") == ["domain-missing"]

    def test_patterns(self, lint: Linter) -> None:
        lint.write(d__a=GOOD, d__e__b=GOOD, d__e__c=GOOD)
        files = lint.json("d/**/*.xml")["files"]
        assert [one["file"] for one in files] == ["d/a.xml", "d/e/b.xml", "d/e/c.xml"]

    def test_a_link_to_a_domain_is_not_judged_twice(self, lint: Linter) -> None:
        lint.write(d__web=GOOD)
        (lint.folder / "d" / "autostart").mkdir()
        (lint.folder / "d" / "autostart" / "web.xml").symlink_to("../web.xml")
        assert [one["file"] for one in lint.json("d")["files"]] == ["d/web.xml"]

    def test_a_link_to_nothing_is_a_file_that_cannot_be_read(self, lint: Linter) -> None:
        lint.write(d__web=GOOD)
        (lint.folder / "d" / "gone.xml").symlink_to("nothing.xml")
        done = lint("d")
        assert done.exit_code == 2
        assert "d/gone.xml: No such file or directory" in done.stderr
        assert "1 accepted, 0 refused, 1 not read" in done.stderr

    def test_an_empty_folder_does_not_hide_the_rest(self, lint: Linter) -> None:
        (lint.folder / "empty").mkdir()
        lint.write(bad=BAD)
        done = lint("empty", "bad.xml")
        assert done.exit_code == 2
        assert "empty: there is no XML file there" in done.stderr
        assert "video-model-type-unknown" in done.stdout

    @pytest.mark.parametrize("pattern", ["d/old/*", "d/old", "*-old.xml"])
    def test_exclude(self, lint: Linter, pattern: str) -> None:
        lint.write(d__a=GOOD)
        lint.write(**{"d__old__b-old": BAD})
        assert lint("d").exit_code == 1
        assert lint("--exclude", pattern, "d").exit_code == 0
        lint.configure(f'exclude = ["{pattern}"]\n')
        assert lint("d").exit_code == 0
        # what is named is checked
        assert lint("d/old/b-old.xml").exit_code == 1

    def test_a_name_twice_is_one_file(self, lint: Linter) -> None:
        lint.write(d__a=GOOD)
        assert list(gather(["d", "d/a.xml", "d/*.xml"]).files) == ["d/a.xml"]


class TestHosts:
    def test_the_worst_counts_and_findings_name_their_host(self, lint: Linter) -> None:
        lint.write(a=LACKING)
        assert lint("a.xml", host="new.domcaps").exit_code == 0
        done = lint("--host", "new.domcaps", "--format", "concise", "a.xml")
        assert done.exit_code == 1
        (line,) = done.stdout.splitlines()
        assert "(on old.domcaps) [video-model-type-unsupported]" in line
        (file,) = lint.json("--host", "new.domcaps", "a.xml")["files"]
        assert [(v["host"], v["accepted"]) for v in file["verdicts"]] == [
            ("old.domcaps", False),
            ("new.domcaps", True),
        ]

    def test_what_all_say_stands_once(self, lint: Linter) -> None:
        lint.write(a=BAD)
        (file,) = lint.json("--host", "new.domcaps", "a.xml")["files"]
        found = [one for one in file["findings"] if one["code"] == "video-model-type-unknown"]
        assert {host for one in found for host in one["hosts"]} == {"old.domcaps", "new.domcaps"}

    def test_a_folder_of_recordings(self, lint: Linter) -> None:
        lint.write(a=LACKING)
        verdicts = lint.json("a.xml", host=".")["files"][0]["verdicts"]
        assert [one["accepted"] for one in verdicts] == [True, False]

    def test_a_host_that_is_not_there(self, lint: Linter) -> None:
        lint.write(a=GOOD)
        with pytest.raises(RecordingError, match=r"gone\.domcaps"):
            lint("--host", "gone.domcaps", "a.xml")


class TestSelection:
    @pytest.mark.parametrize(
        ("words", "left"),
        [
            (["--select", "video"], ["video-model-type-unknown"]),
            (["--select", "*-unknown"], ["video-model-type-unknown"]),
            (["--select", "unknown"], ["unknown-attribute"]),
            (["--select", "video,unknown"], ["video-model-type-unknown", "unknown-attribute"]),
            (["--ignore", "unknown"], ["video-model-type-unknown"]),
            (["--ignore", "video-model"], ["unknown-attribute"]),
            (["--ignore", "ALL"], []),
            (["--select", "video", "--ignore", "video-model-type-unknown"], []),
        ],
    )  # fmt: skip
    def test_prefixes_and_patterns(self, lint: Linter, words: list[str], left: list[str]) -> None:
        lint.write(a=DOMAIN.format("<video><model type='nobodys' headz='1'/></video>"))
        assert lint.codes(*words, "a.xml") == left

    @pytest.mark.parametrize("name", ["vidio", "video-mod", "disk-tagret", "*-unknwon"])
    def test_what_stands_for_no_code_is_refused(self, lint: Linter, name: str) -> None:
        lint.write(a=BAD)
        for option in ("--select", "--ignore"):
            done = lint(option, name, "a.xml")
            assert done.exit_code == 2
            assert repr(name) in done.stderr

    def test_the_likely_code_is_named(self, lint: Linter) -> None:
        lint.write(a=BAD)
        assert "did you mean video" in lint("--select", "vidio", "a.xml").stderr

    def test_a_document_that_is_no_xml_is_never_left_out_by_selecting(self, lint: Linter) -> None:
        lint.write(a="<domain")
        assert lint.codes("--select", "video", "a.xml") == ["xml-malformed"]


class TestThresholds:
    @pytest.mark.parametrize(
        ("fail_on", "content", "code"),
        [
            (None, ODD, 0),
            ("warning", ODD, 1),
            ("warning", GOOD, 0),
            ("error", ODD, 0),
            ("notice", DOMAIN.format("<!-- domcaps: ignore video --><video/>"), 1),
        ],
    )
    def test_fail_on(self, lint: Linter, fail_on: str | None, content: str, code: int) -> None:
        lint.write(a=content)
        words = ["--fail-on", fail_on] if fail_on else []
        assert lint(*words, "a.xml").exit_code == code
        if fail_on:
            lint.configure(f'fail-on = "{fail_on}"\n')
            assert lint("a.xml").exit_code == code

    def test_exit_zero_is_about_findings_alone(self, lint: Linter) -> None:
        lint.write(a=BAD)
        assert lint("--exit-zero", "a.xml").exit_code == 0
        assert lint("--exit-zero", "gone.xml").exit_code == 2

    def test_quiet(self, lint: Linter) -> None:
        lint.write(a=BAD)
        loud, quiet, silent = lint("a.xml"), lint("-q", "a.xml"), lint("-qq", "a.xml")
        assert (quiet.stdout, quiet.stderr) == (loud.stdout, "")
        assert (silent.stdout, silent.stderr, silent.exit_code) == ("", "", 1)
        assert "gone.xml" in lint("-qq", "gone.xml").stderr

    def test_statistics(self, lint: Linter) -> None:
        lint.write(a=BAD, b=BAD, c=ODD)
        done = lint("--statistics", "a.xml", "b.xml", "c.xml")
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [
            ["2", "video-model-type-unknown"],
            ["1", "unknown-attribute"],
        ]
        answer = lint.json("--statistics", "a.xml", "b.xml", "c.xml")
        assert [one["count"] for one in answer["statistics"]] == [2, 1]
        assert lint("--statistics", "--format", "junit", "a.xml").exit_code == 2


class TestKnown:
    def test_only_new_findings_fail(self, lint: Linter) -> None:
        lint.write(d__a=BAD, d__b=LACKING)
        done = lint("--add-known", "known.json", "d")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "known.json: 2 known findings" in done.stderr
        done = lint("--known", "known.json", "d")
        assert (done.exit_code, done.stdout) == (0, "")
        assert "2 known findings ignored" in done.stderr
        # lines and devices before it change nothing
        lint.write(d__a=BAD.replace("<devices>", "\n\n<devices><video><model type='vga'/></video>"))
        assert "video-model-type-unknown" not in lint("--known", "known.json", "d").stdout
        # the same once more is new
        lint.write(
            d__a=BAD.replace("</devices>", "<video><model type='nobodys'/></video></devices>")
        )
        assert lint("--known", "known.json", "d").exit_code == 1

    def test_in_another_folder(self, lint: Linter, monkeypatch: pytest.MonkeyPatch) -> None:
        lint.write(d__a=BAD)
        lint("--add-known", "known.json", "d")
        lint.configure('known = "known.json"\nhost = "old.domcaps"\n')
        monkeypatch.chdir(lint.folder / "d")
        assert lint("a.xml", host="").exit_code == 0

    def test_what_is_gone_is_told(self, lint: Linter) -> None:
        lint.write(a=BAD)
        lint("--add-known", "known.json", "a.xml")
        lint.write(a=GOOD)
        assert "1 known findings no longer occur" in lint("--known", "known.json", "a.xml").stderr

    def test_the_file_is_sorted_and_has_a_version(self, lint: Linter) -> None:
        lint.write(b=BAD, a=LACKING)
        lint("--add-known", "known.json", "b.xml", "a.xml")
        content = json.loads((lint.folder / "known.json").read_text())
        assert content["version"] == 1
        assert [one["file"] for one in content["known"]] == ["a.xml", "b.xml"]

    @pytest.mark.parametrize(
        "data", [b"", b"[]", b'{"version": 2, "known": []}', b'{"known": [1]}',
                 b'{"version": 1, "known": [{"file": "\xff"}]}', b"[" * 100_000]
    )  # fmt: skip
    def test_a_broken_file_is_an_error(self, lint: Linter, data: bytes) -> None:
        lint.write(a=BAD)
        (lint.folder / "known.json").write_bytes(data)
        with pytest.raises(InputError, match="known findings"):
            lint("--known", "known.json", "a.xml")


class TestConfiguration:
    def test_everything_can_be_configured(self, lint: Linter) -> None:
        lint.write(d__a=LACKING, d__b=ODD)
        lint.configure(
            'host = ["old.domcaps", "new.domcaps"]\nlibvirt = "11.3"\nschema = true\n'
            'format = "json"\nselect = ["video", "unknown"]\n'
            '[per-file-ignores]\n"a.xml" = ["video"]\n'
        )
        answer = json.loads(lint("d", host="").stdout)
        assert [one["host"] for one in answer["hosts"]] == ["old.domcaps", "new.domcaps"]
        assert answer["libvirt"] == "11.3"
        a, b = answer["files"]
        assert a["findings"] == []
        assert [(f["code"], f["severity"]) for f in b["findings"]] == [
            ("unknown-attribute", "error")
        ]

    def test_the_command_line_goes_before_it(self, lint: Linter) -> None:
        lint.write(a=LACKING)
        lint.configure('host = "gone.domcaps"\nlibvirt = "9.0"\nschema = true\nformat = "junit"\n')
        answer = lint.json("--libvirt", "11.3", "--no-schema", "a.xml", host="new.domcaps")
        assert (answer["libvirt"], answer["files"][0]["accepted"]) == ("11.3", True)

    def test_hosts_are_named_from_the_folder_of_the_configuration(
        self, lint: Linter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lint.write(d__a=LACKING)
        lint.configure('[tool.domcaps]\nhost = "new.domcaps"\n', "pyproject.toml")
        monkeypatch.chdir(lint.folder / "d")
        assert lint("a.xml", host="").exit_code == 0

    @pytest.mark.parametrize(
        ("text", "hint"),
        [
            ("ignor = []", "did you mean 'ignore'"),
            ("fail_on = 'error'", "did you mean 'fail-on'"),
            ("libvirt = '1.0'", "1.0"),
            ("select = ['vidio']", "did you mean video"),
            ("format = 'yaml'", "yaml"),
        ],
    )
    def test_a_mistake_is_told_with_the_likely_word(
        self, lint: Linter, text: str, hint: str
    ) -> None:
        lint.write(a=GOOD)
        lint.configure(text)
        done = lint("a.xml")
        assert done.exit_code == 2
        assert ".domcaps.toml" in done.stderr
        assert hint in done.stderr

    def test_a_mistake_is_told_once_for_all_files(self, lint: Linter) -> None:
        lint.write(a=GOOD, b=GOOD, c=GOOD)
        lint.configure("ignor = []")
        done = lint("a.xml", "b.xml", "c.xml")
        assert done.exit_code == 2
        assert done.stderr.count("unknown key 'ignor'") == 1
        assert "3 not read" in done.stderr


class TestComments:
    @pytest.mark.parametrize(
        ("comment", "hint"),
        [
            ("domcaps: ignore video-model-type-unknwon", "did you mean video-model-type-unknown"),
            ("domcaps: ignore vidio", "did you mean video"),
            ("domcaps: ignroe video", "did you mean 'ignore'"),
            ("domcaps: ignores video", "did you mean 'ignore'"),
            ("domcaps: Ignore video", "did you mean 'ignore'"),
            ("domcaps: ignore: video", "did you mean 'ignore'"),
            ("domcaps: disable video-model-type-unknown", "did you mean 'ignore'"),
            ("domcaps: ignore", "name the codes"),
            ("domcap: ignore disk-bus-unsupported", "did you mean 'domcaps: ignore'"),
            ("Domcaps: ignore disk-bus-unsupported", "did you mean 'domcaps: ignore'"),
            ("domcaps ignore disk-bus-unsupported", "did you mean 'domcaps: ignore'"),
            ("docmaps: ignore *-unsupported", "did you mean 'domcaps: ignore'"),
            ("domcaps; disable disk-bus-unsupported", "did you mean 'domcaps: ignore'"),
        ],
    )
    def test_a_misspelt_one_is_told(self, lint: Linter, comment: str, hint: str) -> None:
        lint.write(a=DOMAIN.format(f"<!-- {comment} --><video><model type='vga'/></video>"))
        (file,) = lint.json("a.xml")["files"]
        (finding,) = file["findings"]
        assert (finding["code"], finding["severity"]) == ("ignored-code-unknown", "warning")
        assert hint in finding["message"]

    @pytest.mark.parametrize(
        "comment",
        [
            "domcaps ignores what it does not know",
            "domcaps: accepted on 2026-11-30",
            "yamllint disable-line rule-one",
            "ignore disk-bus-unsupported",
            "domains ignore two-letter names",
            "domcaps accepts disk-like names",
        ],
    )
    def test_other_comments_are_left_alone(self, lint: Linter, comment: str) -> None:
        lint.write(a=DOMAIN.format(f"<!-- {comment} --><video><model type='vga'/></video>"))
        (file,) = lint.json("a.xml")["files"]
        assert file["findings"] == []

    @pytest.mark.parametrize("name", ["video", "video-model", "*-unknown", "ALL"])
    def test_beginnings_and_patterns(self, lint: Linter, name: str) -> None:
        video = "<video><model type='nobodys'/></video>"
        lint.write(a=DOMAIN.format(f"<!-- domcaps: ignore {name} -->{video}"))
        (file,) = lint.json("a.xml")["files"]
        assert file["accepted"]
        assert "ignored-code-unused" not in [one["code"] for one in file["notices"]]

    def test_one_that_leaves_nothing_out_is_a_notice(self, lint: Linter) -> None:
        lint.write(a=DOMAIN.format("<!-- domcaps: ignore video --><video/>"))
        (file,) = lint.json("a.xml")["files"]
        assert "ignored-code-unused" in [one["code"] for one in file["notices"]]


class TestWatch:
    def test_a_change_ends_the_waiting(self, lint: Linter) -> None:
        lint.write(a=GOOD)

        def look() -> dict[str, tuple[int, int, int] | None]:
            return watched(["d", "a.xml"], ["a.xml", "old.domcaps"])

        changes: tuple[Callable[[], object], ...] = (
            lambda: lint.write(a=BAD),
            lambda: lint.configure("schema = true\n"),
            lambda: (lint.folder / "old.domcaps").touch(),
            lambda: (lint.folder / "d").mkdir(),
        )
        for change in changes:
            waiting = threading.Thread(target=wait_for_change, args=(look(), look))
            waiting.start()
            time.sleep(0.05)
            assert waiting.is_alive()
            change()
            waiting.join(20)
            assert not waiting.is_alive()

    @pytest.mark.parametrize("words", [["--format", "json", "a.xml"], ["-"]])
    def test_what_can_not_be_watched(self, lint: Linter, words: list[str]) -> None:
        assert lint("--watch", *words).exit_code == 2
