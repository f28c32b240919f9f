"""Migrating: from the files of kept packages, by a workshop, to new versions of these packages."""
