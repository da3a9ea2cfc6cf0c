"""What the documents say of keys, versions and files is so."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from guide import Block, blocks, commands
from key_table import with_table
from project import rules


def pins(text: str) -> dict[str, str]:
    return {
        name.lower().replace("_", "-"): version
        for name, version in re.findall(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", text)
    }


def test_table_of_keys_is_that_of_the_schema(root: Path) -> None:
    page = (root / "config/README.md").read_text()
    assert page == with_table(page), "run `make docs`"


def test_environments_are_pinned_as_the_lock_is(root: Path) -> None:
    locked = pins((root / "requirements.lock").read_text())
    for path in sorted((root / "envs").glob("*.yaml")):
        environment = yaml.safe_load(path.read_text())
        *plain, pip = environment["dependencies"]
        assert all(re.fullmatch(r"[a-z]+=\d+(\.\d+)+", spec) for spec in plain), path
        packages = [line for line in pip["pip"] if not line.startswith("--")]
        assert packages
        for line in packages:
            assert pins(line).items() <= locked.items(), f"{path.name}: {line}"


def test_torch_is_in_the_model_environments_alone(root: Path) -> None:
    held = {p.stem: "torch" in pins(p.read_text()) for p in (root / "envs").glob("*.yaml")}
    assert held == {"analysis": False, "torch-cpu": True, "torch-gpu": True}
    cpu, gpu = (pins((root / f"envs/torch-{kind}.yaml").read_text()) for kind in ("cpu", "gpu"))
    assert cpu == gpu


def test_lock_satisfies_the_package(root: Path) -> None:
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    locked = pins((root / "requirements.lock").read_text())
    for line in [*project["dependencies"], *(one for extra in extras for one in extra)]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[requirement.name.lower()]), line


def test_rules_are_complete(root: Path) -> None:
    """Every rule that runs a script says what it needs; every script belongs to a rule."""
    needed = {"output", "log", "benchmark", "conda", "resources", "params", "message"}
    whole = "".join(path.read_text() for path in (root / "workflow/rules").glob("*.smk"))
    scripts = set()
    for name, rule in rules().items():
        assert needed <= set(re.findall(r"^    ([a-z_]+):", rule, re.M)), name
        [script] = re.findall(r"scripts/(\w+)\.py", rule)
        assert script in (name, "join_tables"), name
        scripts.add(script)
        assert f'code_of("{script}.py"' in whole, name
    assert scripts == {p.stem for p in (root / "workflow/scripts").glob("*.py")}


def test_links_of_the_documents_lead_somewhere(root: Path) -> None:
    for path in documents(root):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_documents_are_a_site(root: Path, tmp_path: Path) -> None:
    """Every page is in the navigation, and every link and anchor leads somewhere."""
    pytest.importorskip("mkdocs")
    pages = tmp_path / "build/pages"
    for path in [
        *documents(root),
        *root.glob("resources/*/README.md"),
        *root.glob("benchmarks/*.md"),
    ]:
        target = pages / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    for path in documents(pages):
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", path.read_text()):
            (path.parent / target).parent.mkdir(parents=True, exist_ok=True)
            (path.parent / target).touch()  # beside pages, any file
    (pages / "sample.html").touch()
    shutil.copy(root / "mkdocs.yml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and "not included in the" not in done.stderr, done.stderr


def test_reference_has_every_name_that_the_library_gives(root: Path) -> None:
    import emovec

    blocks = re.findall(r"^::: emovec\.([\w.]+)$", (root / "docs/reference.md").read_text(), re.M)
    assert sorted(blocks) == sorted(f"{home}.{name}" for name, home in emovec._HOMES.items())


def test_errors_of_the_faq_are_those_of_the_library(root: Path) -> None:
    said = [
        node.value
        for path in (root / "workflow/scripts/emovec").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    ours = (root / "docs/faq.md").read_text().split("\n## Errors")[1]
    fragments = re.findall(r"^### (.+)$", ours, re.M)
    assert len(fragments) > 12
    for fragment in fragments:
        assert any(fragment in text for text in said), fragment


def test_citation_is_of_this_version(root: Path) -> None:
    import tomllib

    from emovec import __version__

    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert (
        citation["license"]
        == tomllib.loads((root / "pyproject.toml").read_text())["project"]["license"]
    )
    assert {"cff-version", "message", "title", "authors", "type"} <= set(citation)
    assert f"## {__version__}" in (root / "CHANGELOG.md").read_text()


def documents(root: Path) -> list[Path]:
    return [*root.glob("*.md"), *root.glob("docs/**/*.md"), root / "config/README.md"]


def test_code_in_the_documents_is_code(root: Path) -> None:
    seen: list[Block] = []
    for path in documents(root):
        for block in blocks(path):
            seen.append(block)
            if block.language == "python" and block.file != "Snakefile":
                compile(block.text, str(path), "exec")
            elif block.language == "yaml":
                assert isinstance(yaml.safe_load(block.text), dict), path
    assert {"python", "yaml", "sh", "text", "csv", "json", "mermaid"} == {
        block.language for block in seen
    }


def test_commands_in_the_documents_exist(root: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.M))
    seen = set()
    for path in documents(root):
        text = path.read_text()
        made = {block.file for block in blocks(path)}
        shown = re.findall(r"^```(?:sh)?\n(.*?)^```$", text, re.M | re.S)
        inline = re.findall(r"`((?:make|snakemake) [^`]+)`", text)
        for command in [line for block in shown for line in commands(block)] + inline:
            word, *rest = command.split()
            seen.add(word)
            if word == "make":
                named = [one for one in rest if re.fullmatch(r"[a-z-]+", one)]
                assert set(named) <= targets, f"{path.name}: {command}"
            for config in re.findall(r"--configfile (\S+)", command):
                assert config in made or (root / config).is_file(), f"{path.name}: {command}"
    assert {"make", "snakemake"} <= seen


def test_every_fault_names_tests_that_exist(root: Path) -> None:
    text = (root / "docs/reliability.md").read_text()
    table = text.split("## Faults")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    named = [re.findall(r"`([\w/]+\.py)::(\w+)`", row) for row in rows]
    assert all(named), rows[named.index([])]
    tests = {test for found in named for test in found}
    for file, name in tests:
        tree = ast.parse((root / "tests" / file).read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in names, f"{file}::{name}"
    assert f"\n{len(rows)} faults, caused by {len(tests)} tests in `tests/`.\n" in text
