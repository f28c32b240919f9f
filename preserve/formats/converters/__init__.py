"""Converters of our own: each a module that is run within the sandbox like any other tool, and imports no service."""
