"""Where the service's home lies and what is in it, and what the program ships for it."""
