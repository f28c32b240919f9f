"""Concrete tools for file formats: identifiers.  `compose` alone names what is here; operations know the ports."""
