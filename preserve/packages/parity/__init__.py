"""Parity beside a package: made from sound bytes, kept on the index, and what mends a copy that is alone."""
