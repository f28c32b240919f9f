"""The commands, by what they are about.  Each module loads next to nothing until a command of it runs."""
