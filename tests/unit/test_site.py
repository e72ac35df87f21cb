"""The website of the documentation has a page for each code, at an address that stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from domcaps.elements import table
from domcaps.validate.catalogue.codes import DOCUMENTATION, code_url, codes
from domcaps.validate.catalogue.former import former_codes

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "mkdocs.yml").read_text()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gather the sources of all pages."""
    folder = tmp_path_factory.mktemp("site") / "pages"
    program = "import sys, pathlib, make_site; make_site.assemble(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, folder], cwd=ROOT / "tools", check=True)
    return folder


def test_every_code_has_a_page_and_so_has_its_former_spelling(pages: Path) -> None:
    there = {path.stem for path in (pages / "codes").glob("*.md")}
    assert set(codes()) | set(former_codes()) <= there
    text = (pages / "codes" / "disk-bus-unsupported.md").read_text()
    assert text.startswith("# disk-bus-unsupported\n")
    assert '<target dev="hda" bus="ide"/>' in text
    former = next(name for name in former_codes() if name not in codes())
    for now in former_codes()[former]:
        assert f"({now}.md)" in (pages / "codes" / f"{former}.md").read_text()


def test_every_element_of_the_report_has_a_page(pages: Path) -> None:
    there = {path.stem for path in (pages / "elements").glob("*.md")}
    assert {element.name for element in table()} | {"index"} == there
    assert "`virtio`" in (pages / "elements" / "video.md").read_text()


def test_every_document_is_in_the_navigation(pages: Path) -> None:
    named = set(re.findall(r": ([a-z/-]+\.md)$", CONFIGURATION, re.M))
    parts = (pages.glob("*.md"), pages.glob("internals/*.md"))
    there = {str(path.relative_to(pages)) for part in parts for path in part}
    assert there | {"codes/index.md", "elements/index.md"} == named


def test_links_of_the_pages_have_targets(pages: Path) -> None:
    # strict MkDocs looks at anchors, too; this needs no MkDocs
    indexes = (pages / "codes/index.md", pages / "elements/index.md")
    for page in (*pages.glob("*.md"), *pages.glob("internals/*.md"), *indexes):
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)#:]+\.md)", text):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


def test_addresses_are_those_of_the_site() -> None:
    """All places name the same address."""
    site = re.search(r"^site_url: (.+)/$", CONFIGURATION, re.M)
    assert (site[1] if site else "") == DOCUMENTATION
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("urls", {})
    assert bool(urls) is bool(DOCUMENTATION)
    assert all(url.startswith(f"{DOCUMENTATION}/") for url in urls.values())
    homepage = re.search(r"^Homepage: (.+)/$", (ROOT / "debian" / "control").read_text(), re.M)
    assert (homepage[1] if homepage else "") == DOCUMENTATION


def test_addresses_that_nobody_has_are_in_no_file() -> None:
    """A name at a public host that is not ours may become somebody else's."""
    texts = [*ROOT.glob("*.*"), *ROOT.glob("docs/*.md"), *ROOT.glob("debian/*"),
             *ROOT.glob("src/domcaps/validate/**/*.py"), *ROOT.glob("templates/*")]  # fmt: skip
    found = [
        (path.name, address)
        for path in texts
        if path.is_file()
        for address in re.findall(
            r"[\w.-]*domcaps[\w.-]*\.(?:io|com|net|dev|org)\b", path.read_text()
        )
        if not address.endswith(".example.org")
    ]
    assert found == []


def test_a_code_has_an_address_where_the_site_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_url("disk-bus-unsupported") == f"{DOCUMENTATION}/codes/disk-bus-unsupported/"
    monkeypatch.setenv("DOMCAPS_DOCS_URL", "https://docs.example.org/domcaps/")
    site = "https://docs.example.org/domcaps/codes/"
    assert code_url("disk-bus-unsupported") == f"{site}disk-bus-unsupported/"
    assert code_url() == site


def test_the_command_names_the_address() -> None:
    def printed(**variables: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "domcaps", "codes", "disk-bus-unsupported"],
            capture_output=True, text=True, check=True, env={**os.environ, **variables},
        ).stdout.rstrip()  # fmt: skip

    assert printed().endswith(f"\n{DOCUMENTATION}/codes/disk-bus-unsupported/")
    site = "https://docs.example.org"
    assert printed(DOMCAPS_DOCS_URL=site).endswith(f"\n{site}/codes/disk-bus-unsupported/")


def test_strict_mode_and_checks_of_anchors_are_on() -> None:
    configured = yaml.safe_load(CONFIGURATION)
    assert configured["validation"]["links"]["anchors"] == "warn"  # strict makes errors of warnings
    assert "strict=True" in (ROOT / "tools" / "make_site.py").read_text()
    assert "make package docs" in (ROOT / ".ci" / "run").read_text()
