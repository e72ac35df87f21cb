"""Many hosts: a store of their recordings, and questions that are asked of all of them."""
