"""emovec: emotion directions in language models, with nulls, intervals and controls.

One module is one idea. Only `capture` imports torch, and `models` with what it calls when a model
is fetched; everything else works on arrays and on the files described in docs/formats.md.
"""

__version__ = "0.1.0"
