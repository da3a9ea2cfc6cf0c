"""The same numbers under other choices, and beside published ones."""
