"""One module a tool: how it is asked to convert.  `preserve.formats.sandbox` runs them."""
