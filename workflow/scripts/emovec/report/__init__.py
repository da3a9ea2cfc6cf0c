"""Findings, templates, page and provenance."""
