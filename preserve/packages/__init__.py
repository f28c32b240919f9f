"""A package as it lies in a store: the tar of its bag, its blocks, its members, its receipt (FORMAT.md 2 to 5)."""
