"""Sentences, openings, tokenizers and the positions that are read."""
