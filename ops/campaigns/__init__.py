"""Campaigns: long attacks on the program as a whole, by the real command; small slices of them run with the tests."""
