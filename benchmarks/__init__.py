"""How fast Rushes is, beside what others would do: `make bench` measures everything in one run. See README.md here."""
