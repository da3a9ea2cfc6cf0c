"""What the Snakemake workflow catalog and the best practices of Snakemake ask for."""

import re
from pathlib import Path

import jinja2
import yaml
from docutils.core import publish_parts
from key_table import keys, schema
from project import rules
from snakemake.api import SnakemakeApi
from snakemake.io import get_flag_value
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings


def test_repository_is_laid_out_as_the_catalog_looks_for_it(root: Path) -> None:
    for path in ("workflow/Snakefile", "config/README.md", "README.md", "LICENSE"):
        assert (root / path).is_file(), path
    for folder in ("rules", "scripts", "schemas", "report"):
        assert (root / "workflow" / folder).is_dir(), folder
    assert list((root / "workflow/rules").glob("*.smk"))
    readme = (root / "README.md").read_text().lower()
    assert "snakemake" in readme and "workflow" in readme


def test_usage_is_standardised(root: Path) -> None:
    usage = yaml.safe_load((root / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda"}
    assert deployment["conda"] == all("conda:" in rule for rule in rules().values())
    containers = schema()["properties"]["container"]["default"] is not None
    assert deployment["apptainer"] == deployment["apptainer+conda"] == containers
    reported = any("shown(" in rule for rule in rules().values())
    assert usage["report"] == reported and "report:" in (root / "workflow/Snakefile").read_text()


def test_configuration_page_has_no_heading_of_the_first_level(root: Path) -> None:
    assert not re.search(r"^# ", (root / "config/README.md").read_text(), re.M)


def test_every_parameter_can_be_shown_in_a_table() -> None:
    every = keys(schema())
    for name, (inner, required) in every.items():
        assert inner.get("description"), name
        assert "type" in inner, name
        if not (required or "default" in inner):
            assert "if absent" in inner["description"], name
    assert len(every) > 40


def test_rules_keep_to_the_folders_and_to_one_style_of_name(root: Path) -> None:
    verbs = {
        *(
            "audit",
            "capture",
            "carry",
            "ask",
            "choose",
            "classify",
            "compare",
            "compute",
            "decode",
            "decompose",
        ),
        *(
            "estimate",
            "export",
            "fetch",
            "import",
            "join",
            "judge",
            "make",
            "mark",
            "merge",
            "plot",
        ),
        *("project", "read", "show", "vary", "write"),
    }
    common = (root / "workflow/rules/common.smk").read_text()
    for name, rule in rules().items():
        assert name.split("_")[0] in verbs and re.fullmatch(r"[a-z_]+", name), name
        output = re.search(r"^    output:\n((?:        .*\n)+)", rule, re.M)[1]
        paths = [text for text in re.findall(r'"([^"]+)"', output) if "/" in text]
        for function in set(re.findall(r"^        (\w+)\(", output, re.M)) - {"report", "temp"}:
            made = re.search(rf"^def {function}\(.*?\n\n", common, re.M | re.S)[0]
            paths += re.findall(r'"([^"\s]+/[^"]+)"', made)
        paths = [path for path in paths if not path.startswith("../report/")]
        assert paths, name
        for path in paths:
            assert path.startswith(("<results>/", "<resources>/")), f"{name}: {path}"


def test_what_is_reported_has_a_category_labels_and_a_caption(root: Path) -> None:
    captions = set()
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            ResourceSettings(), ConfigSettings(configfiles=[root / "config/smoke.yaml"]),
            snakefile=root / "Snakefile",
        )._workflow  # fmt: skip
        for rule in workflow.rules:
            for output in rule.output:
                if shown := get_flag_value(output, "report"):
                    captions.add(Path(shown.caption.get_path_or_uri(secret_free=True)).name)
                    assert shown.category and shown.labels, output
    written = {path.name for path in (root / "workflow/report").iterdir()}
    assert captions == written - {"workflow.rst"}


def test_captions_hold_names_as_text(root: Path) -> None:
    """Names that reStructuredText would take for a link."""
    config = {
        "experiment": "x_", "statistics": {"alpha": 0.05}, "models": {"1.-": {}, "m--": {}},
        "prompts": {"emotions": ["joy_", "a__b_"], "neutral": "none__"},
    }  # fmt: skip
    run = {"wildcards": {"emotion": "joy_", "model": "1.-"}, "config": config}
    told = ""
    for path in (root / "workflow/report").iterdir():
        caption = jinja2.Template(path.read_text()).render(snakemake=run)
        page = publish_parts(caption, writer="html", settings_overrides={"report_level": 5})["body"]
        assert "problematic" not in page and "<a" not in page, path
        told += " ".join(page.split())
    assert "joy_, a__b_ against none__" in told and "cosine of joy_ between" in told


def test_what_the_catalog_runs_is_run_by_the_makefile(root: Path) -> None:
    lint = (root / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    assert "snakemake --lint" in lint and "snakefmt --check Snakefile workflow" in lint
