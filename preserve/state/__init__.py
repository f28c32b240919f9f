"""The books: the ledger of all events, and the catalog that follows from it."""
