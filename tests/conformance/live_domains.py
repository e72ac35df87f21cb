"""Compare verdicts on domains with a running libvirt: ``python live_domains.py DIR``.

Every XML file of DIR is defined with ``virDomainDefineXML`` (as ``virsh define`` does; with
``--schema`` as ``virsh define --validate`` does) and undefined again, and domcaps is asked whether
it is definable, in the dialect of that libvirt. Prints each disagreement with libvirt's message and
our findings, and ends with ``N passed, N failed``; the exit code is 0 only where none failed.

Run it where the libvirt is. Where libvirt-python and domcaps live in different Pythons, ask libvirt
with the one (``--ask answers.json``) and compare with the other (``--answers answers.json``).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# how libvirt complains when name or UUID belong to a domain that is there already
_COLLISION = re.compile(r"already (exists|defined|active)|is already", re.IGNORECASE)
_LISTED = 5


@dataclass(frozen=True)
class Asked:
    """What libvirt said to one file; "" is its consent. `native` is about starting it."""

    file: str
    define: str
    native: str = ""


def ask(folder: Path, *, as_qemu: bool, native: bool, schema: bool) -> tuple[str, list[Asked]]:
    """Put every file to libvirt; give its version and what it said."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    libvirt.registerErrorHandler(lambda *_: None, None)
    connection = connect()
    number = connection.getLibVersion()
    version = f"{number // 1_000_000}.{number // 1000 % 1000}"
    asked = []
    for path in sorted(folder.glob("*.xml")):
        xml = prepare(path, as_qemu=as_qemu)
        refusal = define(connection, xml, schema=schema)
        if not connection.isAlive():
            print(f"{path.name}: libvirt died of it", file=sys.stderr)
            connection = connect()
            continue
        starting = start(connection, xml) if native and not refusal else ""
        asked.append(Asked(path.name, refusal, starting))
    return version, asked


def connect(seconds: int = 60) -> Any:
    """Connect; a libvirt that died may be started anew meanwhile."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    address = os.environ.get("LIBVIRT_DEFAULT_URI", "qemu:///system")
    for _ in range(seconds):
        try:
            return libvirt.open(address)
        except libvirt.libvirtError:
            time.sleep(1)
    return libvirt.open(address)


def prepare(path: Path, *, as_qemu: bool) -> str:
    """Read a file; `as_qemu` asks for emulation instead of KVM."""
    text = path.read_text(errors="replace")
    if as_qemu:
        text = re.sub(r"(<domain\b[^>]*\btype\s*=\s*)(['\"])kvm\2", r"\1\2qemu\2", text, count=1)
    return text


def define(connection: Any, xml: str, *, schema: bool = False) -> str:
    """Define and undefine; give the refusal."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    flags = libvirt.VIR_DOMAIN_DEFINE_VALIDATE if schema else 0
    try:
        domain = connection.defineXMLFlags(xml, flags)
    except libvirt.libvirtError as error:
        message = str(error)
        if not _COLLISION.search(message):
            return message
        try:
            domain = connection.defineXMLFlags(renamed(xml), flags)
        except libvirt.libvirtError as again:
            return str(again)
    undefine(domain)
    return ""


def undefine(domain: Any) -> None:
    """Forget a domain with all that was kept for it."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    flags = (
        libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
        | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    )
    try:
        domain.undefineFlags(flags)
    except libvirt.libvirtError as error:
        print(f"not undefined: {error}", file=sys.stderr)


def start(connection: Any, xml: str) -> str:
    """Have the command line built; give the refusal. Devices of the host are looked for, too."""
    import libvirt  # type: ignore[import-not-found, unused-ignore]

    try:
        connection.domainXMLToNative("qemu-argv", xml)
    except libvirt.libvirtError as error:
        return str(error)
    return ""


def renamed(xml: str) -> str:
    """Give a domain a name and a UUID that nobody has."""
    fresh = str(uuid.uuid4())
    xml = re.sub(r"<uuid>[^<]*</uuid>", f"<uuid>{fresh}</uuid>", xml, count=1)
    return re.sub(r"<name>([^<]*)</name>", rf"<name>\1-{fresh[:8]}</name>", xml, count=1)


@dataclass(frozen=True)
class Verdict:
    """Our answer to one file."""

    file: str
    accepted: bool
    findings: tuple[str, ...]


def our_host(recording: Path | None) -> Any:
    """Give the recorded host, or this one with every emulator asked side by side."""
    import domcaps

    if recording is not None:
        return domcaps.Host.load(recording)
    from domcaps.elements import questions
    from domcaps.facts.discovery import installed_emulators
    from domcaps.facts.hostprobe import read_host
    from domcaps.facts.probe import probe

    record = read_host()
    results = probe(list(installed_emulators()), questions(), kvm=record.kvm.usable)
    emulators = tuple(r for r in results if not isinstance(r, domcaps.DomcapsError))
    for result in results:
        if isinstance(result, domcaps.DomcapsError):
            print(f"not asked: {result}", file=sys.stderr)
    return domcaps.Host.from_recording(
        domcaps.Recording(host=record, emulators=emulators), origin="live"
    )


def dialect_of(host: Any, version: str) -> str:
    """Give the dialect of a libvirt: with its distribution's patches where the host tells them."""
    own = str(host.world().target.dialect)
    return own if own.partition("+")[0] == version else version


def judge(host: Any, xml: str, dialect: str, *, starting: bool, schema: bool = False) -> Verdict:
    """Ask domcaps."""
    validation = host.validate(xml, dialect, schema=schema)
    errors = validation.errors
    if not starting:
        errors = tuple(f for f in errors if f.stage.value == "define")
    texts = tuple(f"{f.code} line {f.line}: {f.message}" for f in errors)
    return Verdict("", not errors, texts)


def compare(
    folder: Path, asked: list[Asked], host: Any, dialect: str, *, as_qemu: bool, schema: bool
) -> int:
    """Print the disagreements; give their number."""
    failed = 0
    for answer in asked:
        xml = prepare(folder / answer.file, as_qemu=as_qemu)
        verdict = judge(host, xml, dialect, starting=False, schema=schema)
        if verdict.accepted == (not answer.define):
            continue
        failed += 1
        show(answer.file, answer.define, verdict)
    return failed


def compare_native(
    folder: Path, asked: list[Asked], host: Any, dialect: str, *, as_qemu: bool
) -> None:
    """Print what libvirt refuses to start and we do not, or the other way round; it is no failure.

    Libvirt looks for images and host devices then, which only a person can tell apart.
    """
    for answer in asked:
        if answer.define:
            continue
        xml = prepare(folder / answer.file, as_qemu=as_qemu)
        verdict = judge(host, xml, dialect, starting=True)
        if verdict.accepted != (not answer.native):
            show(f"(start) {answer.file}", answer.native, verdict)


def show(name: str, refusal: str, verdict: Verdict) -> None:
    """Print one disagreement."""
    said = f"REFUSES: {' '.join(refusal.split())}" if refusal else "accepts"
    print(f"== {name}\n   libvirt {said}")
    if verdict.accepted:
        print("   domcaps accepts")
    for text in verdict.findings[:_LISTED]:
        print(f"   domcaps REFUSES: {' '.join(text.split())}")


def main() -> int:
    """Ask, compare, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ask", type=Path, metavar="FILE", help="only ask libvirt; write FILE")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="compare with such a FILE")
    parser.add_argument("--host", type=Path, help="a recording of this host; asked live otherwise")
    parser.add_argument("--as-qemu", action="store_true", help="turn type='kvm' into 'qemu'")
    parser.add_argument("--schema", action="store_true", help="as virsh define --validate does")
    parser.add_argument("--native", action="store_true", help="look at starting as well")
    options = parser.parse_args()
    if options.answers:
        kept = json.loads(options.answers.read_text())
        version = kept["version"]
        asked = [Asked(**one) for one in kept["asked"]]
        as_qemu, schema = kept["as_qemu"], kept.get("schema", False)
    else:
        as_qemu, schema = options.as_qemu, options.schema
        version, asked = ask(options.folder, as_qemu=as_qemu, native=options.native, schema=schema)
    if options.ask:
        kept = {"version": version, "as_qemu": as_qemu, "schema": schema}
        kept["asked"] = [vars(one) for one in asked]
        options.ask.write_text(json.dumps(kept, indent=1))
        print(
            f"libvirt {version}: {len(asked)} files, {sum(bool(a.define) for a in asked)} refused"
        )
        return 0
    host = our_host(options.host)
    dialect = dialect_of(host, version)
    failed = compare(options.folder, asked, host, dialect, as_qemu=as_qemu, schema=schema)
    if options.native:
        compare_native(options.folder, asked, host, dialect, as_qemu=as_qemu)
    print(f"libvirt {dialect}, {len(asked)} files")
    print(f"{len(asked) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
