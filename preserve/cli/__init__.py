"""The command line: parsing, sentences in the person's language, tables, exit codes."""
