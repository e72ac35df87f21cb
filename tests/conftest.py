"""How hypothesis looks for examples: at random here, at the same ones in CI.

``HYPOTHESIS_PROFILE=long`` looks at twenty times as many.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# machines are slow at times: that says nothing about the code
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.register_profile("long", settings.get_profile("here"), max_examples=2000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "here")
)
