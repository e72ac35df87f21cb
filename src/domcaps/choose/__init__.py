"""A domain in which everything holds, and the least edit that mends one in which it does not."""
