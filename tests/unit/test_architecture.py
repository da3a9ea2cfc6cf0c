"""The picture in CONTRIBUTING.md is the graph of the rules; the library's rooms stand in order."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import networkx as nx

LIBRARY = Path(__file__).parents[2] / "workflow/scripts/emovec"
# A room imports rooms of lower floors alone.
FLOORS = [
    {"errors", "registry"},
    {"statistics", "io"},
    {"wording", "prompts", "within_model"},
    {"models", "audit"},
    {"activations"},
    {"decoding", "vectors"},
    {"between_models"},
    {"robustness", "steering", "components", "geometry"},
    {"figures"},
    {"explorer"},
    {"report"},
    {"config"},  # knows every registry; the rules import it, no room does
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
RUN_A_MODEL = {
    *("components/looking.py", "components/parts.py", "components/taken_out.py"),
    *("activations/capture.py", "models/gguf.py", "models/loading.py", "models/untrained.py"),
    "models/placing.py",
    "models/rounding.py",
    *("steering/classifiers.py", "steering/generation.py", "steering/hooks.py"),
    *("activations/resume.py", "steering/steerer.py", "steering/loading.py"),
}

NODE = re.compile(r"^\s*id(\d+)\[(\w+)\]$", re.M)
EDGE = re.compile(r"^\s*id(\d+) --> id(\d+)$", re.M)


def stages(root: Path) -> dict[str, str]:
    """The stage of every rule: the file that it is in."""
    return {
        rule: path.stem
        for path in (root / "workflow/rules").glob("*.smk")
        for rule in re.findall(r"^(?:use rule \w+ as|rule) (\w+)\b", path.read_text(), re.M)
    }


def rule_graph(root: Path) -> nx.DiGraph:
    """Which stage needs what another makes, without what follows from the rest.

    That of a small experiment, and of one with many emotions, whose geometry is looked at.
    """
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--configfile"]
    graph, stage = nx.DiGraph(), stages(root)
    for name in ("smoke", "spectrum"):
        done = subprocess.run(
            [*command, f"config/{name}.yaml"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        names = dict(NODE.findall(done.stdout))
        for start, end in EDGE.findall(done.stdout):
            a, b = (stage.get(names[one]) for one in (start, end))
            if a and b and a != b:  # the target rules have no stage
                graph.add_edge(a, b)
    return nx.transitive_reduction(graph)


def test_picture_is_the_rule_graph(root: Path) -> None:
    [picture] = re.findall(r"```mermaid\n(.*?)```", (root / "CONTRIBUTING.md").read_text(), re.S)
    drawn = set()
    for line in picture.splitlines():
        ends = [end.split("[")[0].strip() for end in line.split("-->")]
        drawn |= set(pairwise(ends))
    found = set(rule_graph(root).edges)
    assert drawn == found, f"missing {sorted(found - drawn)}, not there {sorted(drawn - found)}"
    # every stage is a file, and every file is drawn
    files = {path.stem for path in (root / "workflow/rules").glob("*.smk")} - {"common", "terminal"}
    assert {end for edge in drawn for end in edge} == files


def imports(path: Path) -> set[str]:
    """What a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_rooms_import_rooms_of_lower_floors_alone() -> None:
    climbing = set()
    for path in LIBRARY.rglob("*.py"):
        room = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
        rooms = {name.split(".")[1] for name in imports(path) if name.startswith("emovec.")}
        for other in (rooms & set(FLOOR)) - {room}:
            if FLOOR[other] >= FLOOR[room]:
                climbing.add(f"{path.relative_to(LIBRARY)} imports {other}")
    assert not climbing
    rooms = {path.stem for path in LIBRARY.iterdir() if not path.name.startswith("__")}
    assert rooms == set(FLOOR)


def test_modules_are_short_and_a_room_is_a_docstring() -> None:
    for path in LIBRARY.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 350, path
    for path in LIBRARY.glob("*/__init__.py"):
        assert len(ast.parse(path.read_text()).body) == 1, path


def test_library_knows_nothing_of_snakemake_and_few_modules_torch() -> None:
    packages = {
        path.relative_to(LIBRARY).as_posix(): {name.split(".")[0] for name in imports(path)}
        for path in LIBRARY.rglob("*.py")
    }
    assert not [module for module, found in packages.items() if "snakemake" in found]
    assert {m for m, found in packages.items() if found & {"torch", "transformer_lens"}} == (
        RUN_A_MODEL
    )
