"""A name for a finding that outlives edits elsewhere in its file.

It is made of the file, the code, the path without the numbers of elements, the text of the line and
how often the same came before: lines may be added above it and devices before it, and it stays.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from domcaps.patterns import late_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domcaps.language.finding import Finding

_NUMBER = late_pattern(r"\[\d+\]")


def fingerprints(findings: Iterable[Finding], source: bytes, file: str = "") -> list[str]:
    """Give the fingerprint of each finding of a document, all of them different."""
    # hashlib loads OpenSSL, and most documents have no finding
    from hashlib import blake2b

    lines = source.decode(errors="replace").split("\n")
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in findings:
        line = lines[finding.line - 1].strip() if 0 < finding.line <= len(lines) else ""
        key = finding.code, plain_path(finding.path), line
        text = "\0".join((file, *key, str(seen[key])))
        seen[key] += 1
        data = text.encode(errors="surrogatepass")
        found.append(blake2b(data, digest_size=16).hexdigest())
    return found


def plain_path(path: str) -> str:
    """Give a path without the numbers of elements."""
    return _NUMBER.sub("", path)
