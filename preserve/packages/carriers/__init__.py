"""Removable media: what is told from the bytes on one, and what is laid on it for who holds it without this program."""
