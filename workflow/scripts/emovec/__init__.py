"""emovec: emotion directions in language models, with nulls, intervals and controls.

One module is one idea. Modules that run a model (`sources`, `capture`) import torch lazily;
everything else works on arrays and on the HDF5 files described in docs/formats.md.
"""

__version__ = "0.1.0"
