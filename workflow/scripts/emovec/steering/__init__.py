"""Directions added to a model while it reads and writes, and what that does."""
