"""Build the container image and run in it what the documentation says: ``try_image.py [FOLDER]``.

It takes docker or podman if their service answers, else buildah with chroot isolation, which needs
root and no service. Without a registry, FOLDER is a root file system for the ``FROM`` lines, such
as ``debootstrap --variant=minbase trixie FOLDER`` makes (buildah only). Prints a transcript; exits
with 1 if a command does not give what is expected.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
CONTAINERFILE = ROOT / "packaging" / "Containerfile"
IMAGE = "domcaps"
MOUNT = f"{ROOT}:/domains:ro"


class Expected(NamedTuple):
    """Arguments of a container, its exit code, and a text that it prints; "" as in no container."""

    arguments: tuple[str, ...]
    code: int
    text: str


HOST = ("--host", "shipped:debian13-x86_64")
EXPECTED = (
    Expected((), 0, "Usage: domcaps"),
    Expected(("--version",), 0, "domcaps"),
    Expected(("validate", *HOST, "/domains/examples/web.xml"), 0, "1 accepted, 0 refused"),
    Expected(("validate", *HOST, "examples/refused.xml"), 1, "disk-bus-unsupported"),
    Expected(("report", "--machine", "q35"), 0, "<domainCapabilities>"),
    Expected(("host",), 0, "firmware"),
)


def bases(containerfile: str) -> tuple[str, ...]:
    """Give the images that the stages begin with, without those that are stages themselves."""
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", containerfile, re.MULTILINE)
    names = {name for _, name in stages}
    return tuple(dict.fromkeys(image for image, _ in stages if image not in names))


def run(*words: str, code: int | None = 0) -> str:
    """Run a command; gives what it prints, and ends the program if the exit code is another."""
    done = subprocess.run(
        words, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if code is not None and done.returncode != code:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}")
    return done.stdout


def service() -> str:
    """Name the program whose service answers, "" for none."""
    for name in ("docker", "podman"):
        program = shutil.which(name)
        if (
            program
            and not subprocess.run([program, "info"], capture_output=True, check=False).returncode
        ):
            return program
    return ""


class Buildah:
    """Builds and runs without a service, as root, in a chroot for each step."""

    def __init__(self) -> None:
        self.words = ("buildah", "--storage-driver", "vfs")

    def take(self, folder: Path, name: str) -> None:
        """Make an image of a root file system."""
        container = run(*self.words, "from", "scratch").strip()
        run(*self.words, "add", "-q", container, str(folder), "/")
        run(*self.words, "commit", "-q", container, f"docker.io/library/{name}")
        run(*self.words, "rm", container)

    def build(self) -> None:
        """Build the image; bases that are there are not pulled."""
        run(
            *self.words, "bud", "--layers", "--isolation", "chroot", "--pull=false", "-t", IMAGE,
            "-f", str(CONTAINERFILE), str(ROOT),
        )  # fmt: skip

    def command(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """Give the words that run the image: buildah itself does not know its entry point."""
        if not hasattr(self, "container"):
            self.container = run(*self.words, "from", "--pull=false", IMAGE).strip()
            shown = json.loads(run(*self.words, "inspect", self.container))
            self.config = shown["OCIv1"]["config"]
        words = arguments or tuple(self.config["Cmd"])
        entry = tuple(self.config["Entrypoint"])
        mount = ("--isolation", "chroot", "-v", MOUNT)
        return (*self.words, "run", *mount, self.container, "--", *entry, *words)


class Service:
    """Docker or podman."""

    def __init__(self, program: str) -> None:
        self.program = program

    def build(self) -> None:
        """Build the image."""
        run(self.program, "build", "-t", IMAGE, "-f", str(CONTAINERFILE), str(ROOT))

    def command(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """Give the words that run the image."""
        return (self.program, "run", "--rm", "-v", MOUNT, IMAGE, *arguments)


def check(builder: Buildah | Service) -> int:
    """Run each expected command, print it with its output, and count failures."""
    failures = 0
    for one in EXPECTED:
        words = builder.command(one.arguments)
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        printed = done.stdout + done.stderr
        right = done.returncode == one.code and one.text in printed
        failures += not right
        wrong = "" if right else f", not {one.code} with {one.text!r}"
        print(f"$ domcaps {' '.join(one.arguments)}\n# {done.returncode}{wrong}")
        print("\n".join(printed.splitlines()[:4]))
    return failures


def main(arguments: list[str]) -> int:
    """Build and run."""
    program = "" if arguments else service()
    builder = Service(program) if program else Buildah()
    if isinstance(builder, Buildah):
        for name in bases(CONTAINERFILE.read_text()) if arguments else ():
            builder.take(Path(arguments[0]), name)
    builder.build()
    return 1 if check(builder) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
