"""Disaster recovery and long-term preservation for government records."""

__version__ = "0.1.0"
