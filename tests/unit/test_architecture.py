"""The picture in CONTRIBUTING.md is the graph of the rules."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import networkx as nx

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
    """Which stage needs what another makes, without what follows from the rest."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js"]
    done = subprocess.run(
        [*command, "--configfile", "config/smoke.yaml"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    names, stage = dict(NODE.findall(done.stdout)), stages(root)
    graph = nx.DiGraph()
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
    files = {path.stem for path in (root / "workflow/rules").glob("*.smk")} - {"common"}
    assert {end for edge in drawn for end in edge} == files
