"""Workers make the calls that may take long, apart from the loop that answers clients.

- `pool` decides whose call is made next, so that no client keeps the others waiting,
- `processes` are the workers of ``domcaps serve``: one that takes too long, or too much memory, is
  ended without harm to the rest; `nursery` is the process that forks them,
- `threads` are those of a server inside another program, such as a test.
"""
