"""Build the documentation as a website: ``python tools/make_site.py FOLDER``.

The pages are those of docs/, the documents beside it, and generated ones: one for each code of a
finding (``codes/NAME/``, an address that stays) and one for each element of the report. MkDocs runs
in strict mode: a link or an anchor without a target ends the build.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pygments.formatters import HtmlFormatter

from domcaps.elements import table
from domcaps.report.reference import element_to_markdown
from domcaps.validate.catalogue.codes import codes
from domcaps.validate.catalogue.former import former_codes

if TYPE_CHECKING:
    from domcaps.validate.catalogue.codes import Code

ROOT = Path(__file__).parents[1]
BESIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
}
_WHEN = {"define": "when the domain is defined", "start": "when the domain is started"}


def assemble(folder: Path) -> None:
    """Write the source of every page below a folder."""
    for path in (ROOT / "docs").rglob("*.md"):
        _write(folder / path.relative_to(ROOT / "docs"), _relinked(path.read_text()))
    for name, target in BESIDE.items():
        _write(folder / target, _relinked((ROOT / name).read_text()))
    shutil.copytree(ROOT / "docs" / "theme", folder / "theme")
    style = HtmlFormatter(style="friendly").get_style_defs(".codehilite")
    _write(folder / "theme" / "code.css", str(style) + "\n")
    _write_codes(folder / "codes")
    _write_elements(folder / "elements")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _relinked(text: str) -> str:
    """Let links between documents of the repository point to pages of the site."""
    text = re.sub(r"\]\((?:\.\./)?docs/", "](", text)
    for name, target in BESIDE.items():
        # a document of docs/ goes up to the repository's root, where the site has no further level
        text = re.sub(rf"\]\((?:\.\./(\.\./)?)?{re.escape(name)}", rf"](\1{target}", text)
    return text


def _write_codes(folder: Path) -> None:
    known = codes()
    for code in known.values():
        _write(folder / f"{code.name}.md", _code_page(code))
    for former, now in former_codes().items():
        if former not in known:
            links = " and ".join(f"[{name}]({name}.md)" for name in now)
            _write(folder / f"{former}.md", f"# {former}\n\nThis code is now called {links}.\n")
    _write(folder / "index.md", _list_of_codes(list(known.values())))


def _code_page(code: Code) -> str:
    severity = {"error": "Error", "warning": "Warning", "notice": "Notice"}[code.severity.value]
    said = f"**{severity}**, found {_WHEN[code.stage.value]}, at `{code.element}`."
    silence = (
        f"`--ignore {code.name}`, or before the element `<!-- domcaps: ignore {code.name} -->`"
    )
    return (
        f"# {code.name}\n\n{said}\n\n{code.page(markdown=True)}\n\n"
        f"Leave it out with {silence}: see [Check domain XML](../validation.md).\n\n"
        "[All codes](index.md)\n"
    )


def _list_of_codes(known: list[Code]) -> str:
    lines = [
        "# Codes",
        "",
        "Every finding of `domcaps validate`, by the first word of its code.",
        "`domcaps codes CODE` prints the same on a terminal.",
        "Codes are a contract: see [Versions](../changelog.md#versions).",
    ]
    group = ""
    for code in known:
        first = code.name.partition("-")[0]
        if first != group:
            lines += ["", f"## {first}", "", "| code | what is required |", "|---|---|"]
            group = first
        title = code.title.replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| [{code.name}]({code.name}.md) | {title} |")
    return "\n".join(lines) + "\n"


def _write_elements(folder: Path) -> None:
    pages: dict[str, list[str]] = {}
    for element in table():
        pages.setdefault(element.name, []).append(element_to_markdown(element))
    lines = [
        "# Elements of the report",
        "",
        "One page for each element of `<domainCapabilities>`, with the condition under which each",
        "value is listed. [All of them](../table.md) are on one page, too.",
        "",
    ]
    for name, texts in sorted(pages.items()):
        _write(folder / f"{name}.md", "\n".join([f"# `{name}`", "", *texts]))
        lines.append(f"- [{name}]({name}.md)")
    _write(folder / "index.md", "\n".join(lines) + "\n")


def build(source: Path, target: Path) -> int:
    """Let MkDocs write the site; a warning is an error."""
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    config = load_config(
        str(ROOT / "mkdocs.yml"), docs_dir=str(source), site_dir=str(target), strict=True
    )
    try:
        build_site(config)
    except Abort as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main(target: Path) -> int:
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "pages"
        assemble(source)
        failed = build(source, target.absolute())
    if not failed:
        print(f"{len(list(target.rglob('index.html')))} pages in {target}")
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
