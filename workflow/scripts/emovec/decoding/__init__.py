"""Held-out decoding of emotions, and what the texts alone give away."""
