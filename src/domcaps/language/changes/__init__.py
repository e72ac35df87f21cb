"""The table of named changes of libvirt, an area a module.

::

    WATCHDOG_ITCO = change("9.1", NEWS, "q35 has an itco watchdog")

Elements, enums, choices, rows, rules, fields, the vocabulary and the data of CPUs point to these
by `since` and `until`; a rule that reads a domain differently asks `libvirt_reads(part, CHANGE)`.
"""
