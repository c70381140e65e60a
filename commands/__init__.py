"""What the scripts at the top run: one module a command, each with ``main(argv) -> exit code``."""
