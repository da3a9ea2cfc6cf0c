"""Sources of models: each ends as one folder that can be loaded."""
