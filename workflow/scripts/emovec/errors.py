"""The one exception that is meant for the user."""

from __future__ import annotations


class InputError(Exception):
    """Something the user can mend: one sentence naming the file, key or row and what to do."""
