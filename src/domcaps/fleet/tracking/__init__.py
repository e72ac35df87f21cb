"""What was read of a host, noted while a rule reads it: the trace that makes verdicts shareable.

Words are those of *Build Systems à la Carte*: a verdict's constructive trace is what it read, with
what it found there. On another host where the same reads find the same, the verdict is the same.
"""
