"""The geometry of the emotions inside one model."""
