"""``<iothreads>`` and ``<iothreadids>``: threads of QEMU that serve block devices.

::

    <iothreads>4</iothreads>
    <iothreadids>
      <iothread id='2' thread_pool_min='8' thread_pool_max='16'>
        <poll max='123' grow='456' shrink='789'/>
      </iothread>
    </iothreadids>
    <defaultiothread thread_pool_min='8' thread_pool_max='16'/>

Where more are counted than are listed, the others get the lowest numbers that are free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domcaps.language.changes.processor import IOTHREAD_POLL, IOTHREAD_POOLS, IOTHREAD_WEIGHT
from domcaps.language.fix import Fix, set_value
from domcaps.language.observed import qapi
from domcaps.language.part import Part, field
from domcaps.language.quantities import OrEmpty, repeated
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.truth import Truth
from domcaps.language.value_types import POSITIVE, UNSIGNED, UNSIGNED64, Int

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domcaps.language.domain import Domain

THREAD_POOL = qapi("object-add/arg/case=iothread/thread-pool-max")
"""The size of a thread's pool can be chosen."""

_COUNT = Int(0, 2**31 - 1)
_WEIGHT = Int(0, 63)

_MOST_ADDED = 64
"""No more threads are added to a domain that names one which it has not."""


class Iothreads(Part):
    """How many of these threads there are."""

    path = "iothreads"

    count = field("", OrEmpty(UNSIGNED), expected="a number of I/O threads, such as '4'")


class ThreadPool(Part):
    """Base class of what has a pool of threads."""

    thread_pool_min = field(
        "@thread_pool_min",
        _COUNT,
        since=IOTHREAD_POOLS,
        expected="a number of threads, such as '8'",
    )
    thread_pool_max = field(
        "@thread_pool_max",
        _COUNT,
        since=IOTHREAD_POOLS,
        expected="a number of threads, such as '32'",
    )


class Iothread(ThreadPool):
    """One thread."""

    path = "iothreadids/iothread"
    knows = ("poll/@weight",)

    id = field("@id", POSITIVE, required=True, expected="a number, at least 1, such as '1'")
    poll_max = field(
        "poll/@max",
        UNSIGNED64,
        since=IOTHREAD_POLL,
        expected="a number of nanoseconds, such as '32768'",
    )
    poll_grow = field(
        "poll/@grow",
        UNSIGNED64,
        since=IOTHREAD_POLL,
        expected="a whole number, such as '4'",
    )
    poll_shrink = field(
        "poll/@shrink",
        UNSIGNED64,
        since=IOTHREAD_POLL,
        expected="a whole number, such as '4'",
    )


class Defaultiothread(ThreadPool):
    """QEMU's main loop, which does what has no thread of its own."""

    path = "defaultiothread"


def has_iothread(domain: Domain, number: int) -> bool:
    """Tell whether a domain has the thread of that number."""
    listed = {thread.id for thread in domain.all(Iothread) if thread.id is not None}
    if number in listed:
        return True
    counted = domain.first(Iothreads)
    added = ((counted.count if counted else None) or 0) - len(domain.all(Iothread))
    # which of the free numbers it is, counted from 1
    place = number - sum(1 for other in listed if other < number)
    return 1 <= place <= added


def with_iothread(domain: Domain, number: int) -> Iterator[Fix]:
    """Give a domain the thread of a number: listed where the others are, else counted."""
    if 0 < number <= _MOST_ADDED and domain.all(Iothread):
        yield Fix(add=f"<iothreadids><iothread id='{number}'/></iothreadids>")
    elif 0 < number <= _MOST_ADDED:
        yield set_value(str(number), "/domain/iothreads")


@rule(
    "iothreadids-iothread-duplicate",
    Iothread,
    bad="<iothreadids><iothread id='1'/><iothread id='1'/></iothreadids>",
    good="<iothreadids><iothread id='1'/><iothread id='3'/></iothreadids>",
)
def number_once(thread: Iothread) -> Problems:
    """Each ``<iothread>`` in ``<iothreadids>`` must have a different ``id``."""
    for again in repeated(thread, lambda t: t.id):
        yield problem(f"the I/O thread {again.id} is defined twice; remove one", again, "@id")


@rule(
    "iothread-pool-invalid",
    ThreadPool,
    bad="<defaultiothread thread_pool_min='6' thread_pool_max='5'/>",
    good="<defaultiothread thread_pool_min='5' thread_pool_max='5'/>",
)
def pool_has_room(pool: ThreadPool) -> Problems:
    """Attribute ``thread_pool_max`` must be at least 1, and not less than ``thread_pool_min``."""
    least, most = pool.thread_pool_min, pool.thread_pool_max
    if most == 0:
        yield problem("attribute 'thread_pool_max' must be at least 1", pool, "@thread_pool_max")
    elif least is not None and (most is None or least > most):
        yield problem(
            "attribute 'thread_pool_max' must not be less than 'thread_pool_min'",
            pool,
            "@thread_pool_min",
        )


@rule(
    "iothread-pool-unsupported",
    ThreadPool,
    bad="<defaultiothread thread_pool_min='5' thread_pool_max='5'/>",
    good="<defaultiothread thread_pool_min='5' thread_pool_max='5'/>",
)
def pool_can_be_chosen(pool: ThreadPool) -> Problems:
    """Attributes ``thread_pool_min`` and ``thread_pool_max`` require QEMU 7.1 or later."""
    world = pool.domain.world
    used = pool.thread_pool_min is not None or pool.thread_pool_max is not None
    if used and world.truth(THREAD_POOL) is Truth.NO:
        yield problem(
            "this QEMU does not support thread_pool_min and thread_pool_max; remove them",
            pool,
            requires=THREAD_POOL,
        )


@rule(
    "iothreadids-iothread-poll-weight-invalid",
    Iothread,
    bad="<iothreadids><iothread id='1'><poll weight='64'/></iothread></iothreadids>",
    good="<iothreadids><iothread id='1'><poll weight='3'/></iothread></iothreadids>",
    since=IOTHREAD_WEIGHT,
)
def weight_is_small(thread: Iothread) -> Problems:
    """Attribute ``weight`` of ``<poll>`` for an I/O thread must be from 0 to 63."""
    poll = thread.find("poll")
    weight = None if poll is None else poll.get("weight")
    if weight is None:
        return
    try:
        _WEIGHT.parse(weight)
    except ValueError:
        yield problem("attribute 'weight' of <poll> must be from 0 to 63", thread, "poll/@weight")
