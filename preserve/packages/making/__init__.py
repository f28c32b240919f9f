"""Making a package and its copies: planned from a listing, packed in one read, sent to every store, read back."""
