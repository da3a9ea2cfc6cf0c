"""Keys that a YAML file gives twice, of which its readers take the last without a word."""

from __future__ import annotations

from collections.abc import Iterator

import yaml


def repeated_keys(root: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """The keys that a mapping has again, with their lines."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        keys = set()
        for key, value in node.value:
            if key.value in keys:
                yield key.value, key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
            waiting.append(value)
