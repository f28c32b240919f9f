"""The runner: what is due, in which order, and what became of it."""
