"""What only makes validation fast: results that domains of the same shape share."""
