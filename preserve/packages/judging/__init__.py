"""Judging copies by reading them: what is sound, what is harmed and where, what lies there unexplained."""
