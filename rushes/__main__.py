"""`python -m rushes` is the same as the `rushes` command."""

from rushes.cli import app

app()
