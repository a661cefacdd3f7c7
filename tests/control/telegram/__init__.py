"""The chat, against a Bot API of our own on loopback."""
