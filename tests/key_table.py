"""The table of all keys in config/README.md, made from the schema; `make docs` writes it anew."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
README = ROOT / "config/README.md"
START, END = "<!-- made by `make docs` -->\n\n", "\n<!-- end -->"


def keys(node: dict, where: str = "", required: bool = False) -> dict[str, tuple[dict, bool]]:
    """Every key of a schema by its dotted name: what it says, and whether it must be given."""
    found = {}
    for option in [node, *node.get("oneOf", [])]:
        for key, inner in option.get("properties", {}).items():
            here = f"{where}.{key}" if where else key
            found[here] = (inner, key in option.get("required", []))
            found |= keys(inner, here)
            if isinstance(others := inner.get("additionalProperties"), dict):
                found |= keys(others, f"{here}.<name>")
    return found


def schema() -> dict:
    return yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def table() -> str:
    """A row for each key that holds a value, not further keys."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    every = keys(schema())
    for name, (inner, _) in every.items():
        if inner["type"] == "object" and any(other.startswith(f"{name}.") for other in every):
            continue
        kinds = [inner["type"]] if isinstance(inner["type"], str) else inner["type"]
        kind = f"one of {', '.join(inner['enum'])}" if "enum" in inner else " or ".join(kinds)
        default = ""
        if "default" in inner:
            text = yaml.safe_dump(inner["default"], default_flow_style=True, sort_keys=False)
            text = text.partition("\n...")[0]
            default = f"`{' '.join(text.split())}`"
        lines.append(f"| `{name}` | {kind} | {default} | {inner['description']} |")
    return "\n".join(lines) + "\n"


def with_table(page: str) -> str:
    """The page with the table between its marks."""
    before, rest = page.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
