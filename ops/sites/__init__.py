"""Storage sites on this machine, for the demonstration and the tests: real servers, each on free ports of its own."""
