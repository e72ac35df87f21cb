"""``<perf>``: events of the host's processors that are counted for a guest.

::

    <perf>
      <event name='cpu_cycles' enabled='yes'/>
    </perf>
"""

from __future__ import annotations

from domcaps.language.part import Part, field
from domcaps.language.quantities import repeated
from domcaps.language.rule import Problems, problem, rule
from domcaps.language.value_types import YES_NO, OneOf

NAMES = (
    "cmt",
    "mbmt",
    "mbml",
    "cpu_cycles",
    "instructions",
    "cache_references",
    "cache_misses",
    "branch_instructions",
    "branch_misses",
    "bus_cycles",
    "stalled_cycles_frontend",
    "stalled_cycles_backend",
    "ref_cpu_cycles",
    "cpu_clock",
    "task_clock",
    "page_faults",
    "context_switches",
    "cpu_migrations",
    "page_faults_min",
    "page_faults_maj",
    "alignment_faults",
    "emulation_faults",
)
"""Events that libvirt can count, by the names of Linux."""


class PerfEvent(Part):
    """One event."""

    path = "perf/event"

    name = field("@name", OneOf(NAMES), required=True)
    enabled = field("@enabled", YES_NO, required=True)


@rule(
    "perf-event-duplicate",
    PerfEvent,
    bad="<perf><event name='cmt' enabled='yes'/><event name='cmt' enabled='no'/></perf>",
    good="<perf><event name='cmt' enabled='yes'/><event name='mbmt' enabled='no'/></perf>",
)
def event_once(event: PerfEvent) -> Problems:
    """Each ``<event>`` in ``<perf>`` must have a different name."""
    for again in repeated(event, lambda e: e.name):
        yield problem(f"the event {again.name!r} is given twice; remove one", again, "@name")
