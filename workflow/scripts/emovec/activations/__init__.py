"""Residual streams: captured, stored, brought along, and read for the analysis."""
