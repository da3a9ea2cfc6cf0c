"""Pictures, one module for each group."""
