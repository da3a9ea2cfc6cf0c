"""Which attention heads and MLPs write an emotion's direction into the residual stream."""
