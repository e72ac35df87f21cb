"""What is looked at on a live host without a witness: who keeps an answer must know of it.

Facts of the freshness engine carry their witnesses. Two looks do not: at files that a domain names,
and at the hardware. They happen while rules run, and are noted once `listen` was called.
"""

from __future__ import annotations


class UnprovenLooks:
    """Files by their paths, and whether the hardware was read, since `listen` was called.

    `files` has what was seen of each at first, None before `listen` was called; `is_steady` is
    False where something else was seen later, or an answer depends on more than has a witness.
    """

    def __init__(self) -> None:
        self.files: dict[str, object] | None = None
        self.is_steady = True
        self.hardware = False

    def listen(self) -> None:
        """Begin to note looks; a process that answers for ever must not, since all are kept."""
        self.files = {}
        self.is_steady = True
        self.hardware = False

    def at_file(self, path: str, seen: object) -> None:
        """Note what was seen of a file."""
        if self.files is not None and self.files.setdefault(path, seen) != seen:
            self.is_steady = False

    def at_trust(self) -> None:
        """Note that a program was refused: what would change that is not looked at."""
        self.is_steady = False

    def at_hardware(self) -> None:
        """Note a look at the hardware."""
        self.hardware = True


LOOKS = UnprovenLooks()
"""The looks of this process."""
