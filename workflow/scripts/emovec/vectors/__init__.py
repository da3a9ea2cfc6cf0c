"""Emotion vectors, their projections on tokens, their cards and exchange formats."""
