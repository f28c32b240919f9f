"""File formats: how they are told, how endangered each is, and what that means for what is kept."""
