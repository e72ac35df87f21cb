"""A script whose words could name a foreign program is not trusted; usual wrappers are."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from domcaps.facts.discovery import installed_emulators
from domcaps.fresh.emulators import EmulatorNamed
from domcaps.fresh.machine import shared_build
from domcaps.fresh.script_words import unclear_word
from domcaps.fresh.trusted import distrust

if TYPE_CHECKING:
    from pathlib import Path

CAT = os.path.realpath("/bin/cat")

DEBIAN = """#! /bin/sh
# This is a wrapper for xen's calls /opt/a'/b'
xenredir=/usr/libexec/xen-qemu
exe={0}
for opt in "$@"; do
  case "$opt" in
    -xen-* | --xen-*)
      if [ -x $xenredir ]; then
        exe=$xenredir
        cat <<EOF >&2
W: $0 binary is not compiled with xen support anymore
W: redirecting the call to $exe
EOF
      fi
      break
      ;;
  esac
done
exec "$exe" "$@"
"""
NIX = """#! /bin/bash -e
export QEMU_AUDIO_DRV='none'
XDG_DATA_DIRS=${{XDG_DATA_DIRS:+':'$XDG_DATA_DIRS':'}}
XDG_DATA_DIRS=${{XDG_DATA_DIRS/':''/usr/share'':'/':'}}
export XDG_DATA_DIRS
exec -a "$0" "{0}"  "$@"
"""
USUAL = [
    DEBIAN, NIX, '#!/bin/sh\nexec {0} "$@"\n', '#!/bin/bash\nexec -a qemu {0} -enable-kvm "$@"\n',
    '#!/bin/sh\nX=$(date)\necho "started"\nexec {0} "$@"\n',
    '#!/bin/sh\nexport SDL=1 GTK=2\nif [ "$1" = x ]; then echo no; exit 1; fi\nexec {0} $@\n',
]  # fmt: skip
ODD = [
    "exec '{0}'/real", 'exec "{0}/"real', "exec {0}'/'real", "exec {0}/r?al", "exec {0}/re\\al",
    "exec ${{Q:-{0}/real}} \"$@\"", "PATH={0}:$PATH\nexec real", "PATH={0}\nexec real",
    "cd {0}; ./real", "exec /\\\n{0}/real", "exec ~root/..{0}/real", "exec /{{a,b}}{0}/real",
    "{0}*/real", "x={0}; exec $x/real", "x={0}\nexec \"$x/real\"", "x={0}/re; exec ${{x}}al",
    "x=${{Q:-{0}/real}}\nexec $x", "a={0}/; b=real; exec $a$b", "exec $(echo {0})/real",
    "exec `cat /etc/x`", "LD_PRELOAD=$x exec /bin/true", "x=$(cat /etc/x); $x", "pushd {0}; ./real",
    "for d in {0}; do exec $d/real; done", "x={0}\nx+=/real\nexec \"$x\"y/z",
]  # fmt: skip


@pytest.mark.parametrize("text", USUAL)
def test_usual_wrappers_are_trusted(text: str, tmp_path: Path) -> None:
    program = tmp_path / "q"
    program.write_text(text.format(CAT))
    program.chmod(0o755)
    assert distrust(str(program)) is None


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("shell", ["#!/bin/sh", "#!/usr/bin/env bash", "#! /bin/bash -e"])
def test_words_that_are_put_together_are_not(
    text: str, shell: str, weak: Path, tmp_path: Path
) -> None:
    shutil.copy(CAT, weak / "real")
    program = tmp_path / "q"
    program.write_text(f"{shell}\n{text.format(weak)}\n")
    program.chmod(0o755)
    assert distrust(str(program)) is not None


def test_other_languages_have_no_words() -> None:
    assert unclear_word(b"#!/usr/bin/python3\nimport os\nos.chdir('/a' + '/b')\n") == ""


def test_an_emulator_of_another_user_first_in_the_path_is_left_out(
    weak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good"
    good.mkdir()
    for folder in (weak, good):
        shutil.copy(CAT, folder / "qemu-system-x86_64")
    monkeypatch.setenv("PATH", f"{weak}:{good}")
    assert shared_build().get(EmulatorNamed("qemu-system-x86_64")) == str(
        good / "qemu-system-x86_64"
    )
    assert str(weak / "qemu-system-x86_64") not in installed_emulators()
    weak.chmod(0o755)
    assert shared_build().get(EmulatorNamed("qemu-system-x86_64")) == str(
        weak / "qemu-system-x86_64"
    )
