"""A fleet over HTTP: the questions of `domcaps fleet` as JSON, its page and its metrics."""
