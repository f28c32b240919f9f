"""Rehearse a recovery: an empty place, packages drawn, what came back looked at, and the certificate."""
