"""HTTP in: callbacks of the providers, links to our own files, and pages about the program's health."""
