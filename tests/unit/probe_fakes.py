"""Emulators that are none: small scripts that behave as a test wants them to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from domcaps.facts.trust import vouch

if TYPE_CHECKING:
    from pathlib import Path

PRELUDE = f"""#!{sys.executable} -IS
import json, os, signal, socket, subprocess, sys, time

accelerator = sys.argv[sys.argv.index("-machine") + 1]
monitor = socket.socket(fileno=int(sys.argv[sys.argv.index("-qmp") + 1].split("fd=")[1]))
stream = monitor.makefile("rwb")

def send(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\\r\\n"
    stream.write(data)
    stream.flush()

def greet(*capabilities):
    send({{"QMP": {{"version": {{}}, "capabilities": list(capabilities)}}}})

ANSWERS = {{
    "qmp_capabilities": {{}},
    "query-version": {{"qemu": {{"major": 10, "minor": 0, "micro": 0}}, "package": ""}},
    "query-target": {{"arch": "x86_64"}},
    "query-kvm": {{"enabled": "kvm" in accelerator, "present": True}},
    "query-qmp-schema": [
        {{"name": name, "meta-type": "command"}}
        for name in ("query-cpu-model-expansion", "query-sev-capabilities")
    ] + [{{"name": "query-sgx-capabilities", "meta-type": "event"}}],
    "qom-list-types": [{{"name": "pc-machine", "parent": "generic-pc-machine"}},
                       {{"name": "generic-pc-machine", "parent": "machine", "abstract": True}}],
    "query-machines": [{{"name": "pc", "cpu-max": 1}}],
    "device-list-properties": [{{"name": "x", "type": "bool"}}],
    "qom-list-properties": [{{"name": "type", "type": "string"}}],
    "query-cpu-model-expansion": {{"model": {{"name": "base", "props": {{}}}}}},
}}

def answer(command):
    name = command["execute"]
    reply = {{"return": ANSWERS[name]}} if name in ANSWERS else {{
        "error": {{"class": "CommandNotFound", "desc": f"no {{name}} here"}}}}
    if "id" in command:
        reply["id"] = command["id"]
    send(reply)

def serve(before=lambda command: None):
    for line in stream:
        command = json.loads(line)
        if before(command) is None:
            answer(command)

"""

WELL_BEHAVED = "greet()\nserve()\n"


def script(folder: Path, body: str, name: str = "qemu-system-x86_64") -> str:
    """Write an emulator that does `body`, and give its path."""
    path = folder / name
    path.write_text(PRELUDE + body)
    path.chmod(0o755)
    return vouch(str(path))


def shell_script(folder: Path, body: str) -> str:
    """Write a program of the shell that knows nothing of QMP."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return vouch(str(path))
