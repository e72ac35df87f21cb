"""Count findings by severity, keep the worst, and decide by stage and truth."""

from __future__ import annotations

import sys
from pathlib import Path

import domcaps

ORDER = (domcaps.Severity.notice, domcaps.Severity.warning, domcaps.Severity.error)


def worst(result: domcaps.Validation) -> domcaps.Severity:
    counts = {domcaps.Severity.error: 0, domcaps.Severity.warning: 0}
    found = domcaps.Severity.notice
    for finding in result.findings:
        counts[finding.severity] += 1
        found = max(found, finding.severity, key=ORDER.index)
    print(counts[domcaps.Severity.error], found.value)
    return found


def told(finding: domcaps.Finding) -> str:
    match finding.stage:
        case domcaps.Stage.define:
            return "virsh define"
        case domcaps.Stage.start:
            return "virsh start"


def capitals(explanation: domcaps.Explanation, result: domcaps.Validation) -> bool:
    errors = [one for one in result.findings if one.severity is domcaps.Severity.ERROR]
    return explanation.truth is domcaps.Truth.YES and not errors


if __name__ == "__main__":
    host = domcaps.Host.open(sys.argv[1])
    judged = host.validate(Path(sys.argv[2]).read_bytes())
    print(worst(judged), *map(told, judged.findings))
    print(capitals(host.explain("video")[0], judged))
