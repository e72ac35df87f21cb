"""Check that wheel and source archive carry all that they promise: ``check_package.py DIST``."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
_DATA = "data/data/share"


def expected_in_wheel() -> set[str]:
    """Give how the names of files end that the wheel must have."""
    package = ROOT / "src" / "domcaps"
    sources = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    commands = {p.stem.rstrip("_") for p in (package / "cli").glob("[!_]*.py")}
    return {
        *(f"domcaps/{path.relative_to(package)}" for path in sources),
        *(
            f"{_DATA}/doc/domcaps/{path.relative_to(ROOT / 'docs')}"
            for path in (ROOT / "docs").rglob("*.md")
        ),
        *(f"{_DATA}/man/man1/domcaps-{name.replace('_', '-')}.1" for name in commands),
        f"{_DATA}/man/man1/domcaps.1",
        f"{_DATA}/doc/domcaps/CHANGELOG.md",
        f"{_DATA}/doc/domcaps/SECURITY.md",
        f"{_DATA}/doc/domcaps/examples/windows11.xml",
        f"{_DATA}/bash-completion/completions/domcaps",
        f"{_DATA}/zsh/site-functions/_domcaps",
        f"{_DATA}/fish/vendor_completions.d/domcaps.fish",
        f"{_DATA}/domcaps/systemd/domcaps.service",
        f"{_DATA}/domcaps/systemd/domcaps.socket",
        "dist-info/licenses/LICENSE",
        "dist-info/entry_points.txt",
    }


def expected_in_sdist() -> set[str]:
    """Give the files of this repository that a build, its tests and its readers need."""
    folders = ("src", "tests", "tools", "docs", "examples", "packaging")
    files = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    found = {
        str(p.relative_to(ROOT)) for p in files if p.is_file() and "__pycache__" not in p.parts
    }
    return found | {"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "hatch_build.py"}


def missing(names: set[str], expected: set[str], prefix: str) -> list[str]:
    """Give what is expected and not there; `prefix` is what stands before each name."""
    there = {name.removeprefix(prefix) for name in names}
    return sorted(expected - there)


def main(folder: Path) -> int:
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    name = "-".join(wheel.name.split("-")[:2])
    with zipfile.ZipFile(wheel) as archive:
        there = {entry.removeprefix(f"{name}.") for entry in archive.namelist()}
    with tarfile.open(sdist) as archive:
        lacking = missing(set(archive.getnames()), expected_in_sdist(), f"{name}/")
    lacking += missing(there, expected_in_wheel(), "")
    for entry in lacking:
        print(f"missing: {entry}", file=sys.stderr)
    kilobytes = (wheel.stat().st_size // 1000, sdist.stat().st_size // 1000)
    print(f"{wheel.name}: {kilobytes[0]} KB, {sdist.name}: {kilobytes[1]} KB")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
