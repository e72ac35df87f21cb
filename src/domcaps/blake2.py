"""BLAKE2b, by which replies, files and documents are known again; loads nothing else."""

from __future__ import annotations

try:
    # hashlib loads OpenSSL, which takes longer than to prove a report
    from _blake2 import blake2b
except ImportError:  # another Python than CPython
    from hashlib import blake2b

__all__ = ["blake2b"]
