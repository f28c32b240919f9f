"""Pure nouns and decisions; no module here does any I/O."""
