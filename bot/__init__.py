"""Discord: commands in, cards and results out. Nothing outside this folder knows discord.py."""
