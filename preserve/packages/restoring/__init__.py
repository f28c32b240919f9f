"""Restoring files from packages: what is wanted, unpacked from any sound copy, verified before it gets its name."""
