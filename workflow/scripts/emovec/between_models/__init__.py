"""One emotion in two models: maps, measures, gates, corrections and verdicts."""
