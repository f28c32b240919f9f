"""Definitions read into values: policies, and the metadata of records."""
