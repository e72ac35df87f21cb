"""Mistakes that type checkers must find: each line with `# typo` has one."""

from __future__ import annotations

from pathlib import Path

import domcaps

host = domcaps.Host.load("host.domcaps")
host.domain_capabilities(machin="q35")  # typo
caps = host.domain_capabilities()
print(caps.devices.vidoe.supported)  # typo
print(caps.devices.video.suported)  # typo
host.validate("<domain/>", shema=True)  # typo
result = host.validate("<domain/>")
print(result.acepted)  # typo
for finding in result.findings:
    print(finding.sevrity)  # typo
    if finding.severity == domcaps.Severity.EROR:  # typo
        print(finding.code.nonsense)  # typo
print(domcaps.nonsense)  # typo
host.choose("web", memory=2.5)  # typo
domcaps.compare(host, "other.domcaps")  # typo
print(host.explain("video")[0].reson)  # typo
host.choose("web", dsks=["/a"])  # typo
print(result.verdict == "acepted")  # typo
host.validate(Path("guest.xml"))  # typo
print(domcaps.compare(host, host).differences[0].sign == "=")  # typo
domcaps.Host.opn("local")  # typo
for finding in result.findings:
    if finding.severity == "error" and finding.stage == "define":
        print(finding.mesage)  # typo
summary = domcaps.summarize([result])
print(summary.acepted)  # typo
print(domcaps.compare(host, host).differences[0].kind == "machine typ")  # typo
print(host.choose("web").step("video.modelType").nxt)  # typo
host.choose("web", graphics="spicy")  # typo
host.choose("web", use="dektop")  # typo
print(domcaps.compare(host, host).of_kind("value", "elment"))  # typo
print(host.explain("video")[0].changes[0].effort == "pakage")  # typo
wanted: tuple[domcaps.DifferenceKind, ...] = ("value", "elment")  # typo
print(host.choose("web").guest.family == "window")  # typo
for finding in result.findings:
    match finding.severity:
        case domcaps.Severity.EROR:  # typo
            pass
        case _:
            print(finding.severity in (domcaps.Severity.WARNING, domcaps.Severity.NOTIC))  # typo
print(domcaps.code("xml-malformed").titel)  # typo
print(host.validate_folder("domains").unred)  # typo
