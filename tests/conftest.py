"""What holds for all tests: how hypothesis looks for examples, and what signals do.

Examples are random here, and the same ones in CI; ``HYPOTHESIS_PROFILE=long`` looks at twenty times
as many.
"""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# machines are slow at times: that says nothing about the code
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.register_profile("long", settings.get_profile("here"), max_examples=2000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "here")
)

# nohup, and a shell that starts the tests in the background, ignore signals for all that they start
for number, handler in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
