"""Reads office documents without any program that converts them: what they say, and what they have."""
