"""Local stand-ins for what Rushes talks to: the video vendors' APIs and Discord.

They are a second reading of the public documents and share no code with the program, so that the two check each other.
"""
