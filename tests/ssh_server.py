"""A server of SSH for tests: on private ports, with throw-away keys; some hosts misbehave."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = "/usr/sbin/sshd"
FORCED = {
    "plain": "",
    "endless": "/bin/cat /dev/zero",
    "silent": "/bin/sleep 60",
    "banner": "/bin/echo this machine greets you",
    "early": "/bin/false",
    "lies": "/bin/sed -n 's/^echo .\\(DOMCAPS_[0-9a-f]*\\) shell.*/\\1 shell\\nok !!!!\\n\\1/p'",
}
"""Kinds of hosts, by the command that each runs instead of what is sent."""

_TOOLS = ("sh", "base64", "tr", "head", "ls", "stat", "timeout", "cat", "id", "uname", "sleep")


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _poor_path(folder: Path) -> str:
    """Give a search path on which there is no Python."""
    place = folder / "poor"
    place.mkdir()
    for name in _TOOLS:
        found = shutil.which(name)
        assert found is not None
        (place / name).symlink_to(found)
    return str(place)


class SshServer:
    """Ports by kind of host, and the options by which ssh connects."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {kind: free_port() for kind in (*FORCED, "poor")}
        for name in ("host", "key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        shutil.copy(folder / "key.pub", folder / "authorized")
        lines = [
            *(f"ListenAddress 127.0.0.1:{port}" for port in self.ports.values()),
            f"HostKey {folder}/host", f"AuthorizedKeysFile {folder}/authorized",
            "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PidFile none",
            "MaxStartups 100",
        ]  # fmt: skip
        for kind, forced in FORCED.items():
            if forced:
                lines += [f"Match LocalPort {self.ports[kind]}", f"  ForceCommand {forced}"]
        lines += [f"Match LocalPort {self.ports['poor']}", f"  SetEnv PATH={_poor_path(folder)}"]
        (folder / "config").write_text("\n".join(lines) + "\n")
        self.options = " ".join(
            (
                f"-F /dev/null -i {folder}/key -o UserKnownHostsFile={folder}/known",
                "-o StrictHostKeyChecking=no -o LogLevel=ERROR",
            )
        )

    def url(self, kind: str) -> str:
        """Give what ssh connects to a kind of host by."""
        return f"ssh://127.0.0.1:{self.ports[kind]}"


def served(folder: Path) -> Iterator[SshServer]:
    """Run a server, or skip aloud."""
    if not os.access(SERVER, os.X_OK) or not shutil.which("ssh"):
        pytest.skip("no sshd (apt-get install openssh-server openssh-client)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = SshServer(folder)
    process = subprocess.Popen([SERVER, "-D", "-f", folder / "config", "-E", folder / "log"])
    try:
        for _ in range(100):
            with closing(socket.socket()) as one:
                if not one.connect_ex(("127.0.0.1", server.ports["plain"])):
                    break
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.wait()
