"""Domain XML in, findings out. Knows how to check, not what: that stands in the table."""
