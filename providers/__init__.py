"""The vendors: one file each, both directions, and nothing else of ours. Start at contract.py."""
