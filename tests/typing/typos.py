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
