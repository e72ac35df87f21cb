"""Verifying traces: answers that are kept in memory and can prove that they still hold.

The words are those of *Build Systems à la Carte* (Mokhov, Mitchell, Peyton Jones, 2018). A **key**
names a value and brings the **task** that computes it. A task gets what it needs by **fetch**,
and what it fetched, in its order, is its **trace**. At the bottom of each trace stand witnesses:
files, folders, devices and variables that were read. The **store** keeps value and trace; a value
is given out only after its trace was verified, in the same call.
"""
