"""A domain in which everything holds, and the least edit that repairs one in which it does not."""
