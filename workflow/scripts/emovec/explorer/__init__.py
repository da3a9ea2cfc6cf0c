"""The interactive panels of the page."""
