"""Files, tables, HDF5, seeds and jobs."""
