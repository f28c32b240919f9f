"""Places that keep bytes under keys, and wrappers that give any of them retries, a speed limit, counts or faults."""
