"""Servers of other makes, for the tests alone."""
