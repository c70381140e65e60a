"""The commands behind the scripts at the top: command line, modes, and one module per command."""
