"""What a server grants its clients, all of them and each."""

from __future__ import annotations

import msgspec

MIB = 1024 * 1024


class ServerLimits(msgspec.Struct, frozen=True):
    """Sizes are bytes, times are seconds.

    `clients` is how many may be connected. A `message` may have so many bytes, and `first` before
    the connection is opened. What clients sent and what is sent to them is held in `memory` for
    all, of which one client has at most twice a message; `requests` of its calls may wait. What
    clients defined is held in `kept` for all and `kept_each` for one; answers that were given are
    held in `answers`. A client has to open its connection within `open_seconds`; a message, once
    begun, must be complete within `message_seconds`, which is also what a client may take to read
    a reply; a call is given up after `call_seconds`. `ping_seconds` and `pings` are those of
    libvirt's keepalive. `stop_seconds` is how long calls may go on when the server ends.

    Calls that may take long are made by workers. So many `quick` ones run at the same time; what
    takes longer than `slice_seconds` is one of `long` ones if it computes, or of `waiting` ones if
    it waits for another program; of one client at most `each` calls are made. All workers together
    may have `workers_memory`, to which the memory of the programs that they start counts.
    """

    clients: int = 500
    message: int = 8 * MIB
    first: int = 64 * 1024
    memory: int = 64 * MIB
    kept: int = 48 * MIB
    kept_each: int = 8 * MIB
    answers: int = 32 * MIB
    requests: int = 16
    quick: int = 4
    long: int = 2
    waiting: int = 8
    each: int = 6
    slice_seconds: float = 0.1
    workers_memory: int = 288 * MIB
    open_seconds: float = 60.0
    message_seconds: float = 30.0
    call_seconds: float = 120.0
    ping_seconds: float = 5.0
    pings: int = 5
    stop_seconds: float = 2.0
