"""A domain's XML as it was written: parsed, with positions, and walked once."""
