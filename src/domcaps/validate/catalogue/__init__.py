"""Every rule and every code of a finding, with samples of each."""
