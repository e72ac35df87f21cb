"""A matrix with reasons as one HTML page that needs nothing else. Knows no device and no host."""
