"""Which call gives its place to one of another client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domcaps.serve.workers.call import MadeCall
    from domcaps.serve.workers.usage import Usage

_LEAST_SECONDS = 1.0
"""How long a call is made before it gives way to one of a client that used less."""
_MARGIN_SECONDS = 0.5


def gives_way(call: MadeCall, others: Sequence[MadeCall]) -> MadeCall | None:
    """Choose among the calls of a kind that are made; None where each holds its place rightly.

    A client that holds none of them is given the place of the client with the most, where that has
    more than one; or else the place of the client that used the most lately, if that is clearly
    more than `call`'s client used, and the place was held for a while.
    """
    held: dict[Usage, list[MadeCall]] = {}
    for other in others:
        if other.worker is not None and other.worker.can_be_stopped and not other.is_stopped:
            held.setdefault(other.usage.client, []).append(other)
    client = call.usage.client
    if client in held or not held:
        return None
    most = max(held.values(), key=lambda calls: (len(calls), calls[0].usage.client.amount))
    if len(most) > 1:
        return min(most, key=lambda other: other.began)
    least, limit = client.amount + _MARGIN_SECONDS, time.monotonic() - _LEAST_SECONDS
    rivals = [calls[0] for other, calls in held.items() if other.amount > least]
    rivals = [rival for rival in rivals if rival.began < limit]
    return max(rivals, key=lambda rival: rival.usage.client.amount, default=None)
