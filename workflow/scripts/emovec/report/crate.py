"""A results folder as a research object: RO-Crate 1.1, Workflow Run Crate 0.5 (Leo et al. 2024)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from emovec.errors import InputError
from emovec.io.files import copy_file, sha256, whole

CRATE = "ro-crate-metadata.json"
RO_CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
CONTEXT = [f"{RO_CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
MIT = "https://spdx.org/licenses/MIT"
FORMATS = {
    ".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".md": "text/markdown",
    ".png": "image/png", ".txt": "text/plain", ".yaml": "application/yaml",
    ".h5": "application/x-hdf5",
}  # fmt: skip


def place(name: str) -> str:
    """Where the copy of an input lies among the copies: as the configuration names it.

    >>> place("resources/prompts/smoke.csv")
    'resources/prompts/smoke.csv'
    >>> place("../mine/smoke.csv")
    'elsewhere/mine/smoke.csv'
    """
    path = Path(name)
    inside = [part for part in path.parts if part not in (path.anchor, "..")]
    return Path(*inside if inside == list(path.parts) else ["elsewhere", *inside]).as_posix()


def keep(source: str | Path, target: str | Path, digest: str | None = None) -> None:
    """Copy a file that the run has read.

    Raises
    ------
    InputError
        If it is not the one with that digest any more.
    """
    with whole(target) as part:
        copy_file(Path(source), part)
        if digest is not None and sha256(part) != digest:
            raise InputError(f"{source} has changed since it was read: run again.")


def describe(
    told: dict, folder: Path, made: Iterable[str], workflow: str, read: Mapping[str, str]
) -> dict:
    """The metadata of a finished run as JSON-LD.

    It has no times but that of the record, so it is the same for the same files and record.

    Parameters
    ----------
    told : the record of `provenance.record`.
    folder : the results folder, root of the crate.
    made : paths in it of the files that the run made.
    workflow : path in it of a copy of the workflow's main file.
    read : paths in it of the copies of what the run read, with what each was called.
    """
    results = [_file(folder, path) for path in made]
    inputs = [_file(folder, path) | {"alternateName": name} for path, name in read.items()]
    inputs += _elsewhere(told, set(read.values()))
    software = [_software(name, version) for name, version in told["versions"].items()]
    models = ", ".join(told["config"]["models"])
    revision = told["revision"] or "unknown"
    root = {
        "@id": "./", "@type": "Dataset",
        "name": f"emovec: {told['experiment']}",
        "description": f"Emotion directions in {models}: "
        f"{', '.join(told['config']['prompts']['emotions'])}.",
        "datePublished": told["run_at"],
        "license": {"@id": "#licence"},
        "conformsTo": _references(PROFILES),
        "mainEntity": {"@id": workflow},
        "mentions": {"@id": "#run"},
    }  # fmt: skip
    main = _file(folder, workflow) | {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "emovec",
        "description": f"The main file of the workflow. Commit: {revision}. Digest of the code "
        f"that makes tables: {told['code']}.",
        "version": told["emovec"],
        "license": {"@id": MIT},
        "programmingLanguage": {"@id": SNAKEMAKE},
        "softwareRequirements": _references(one["@id"] for one in software),
    }
    run = {
        "@id": "#run", "@type": "CreateAction",
        "name": f"Run of the experiment {told['experiment']}",
        "description": f"On {told['hardware']['system']}, {told['hardware']['processors']} "
        "processors. The end is when the tables were recorded.",
        "endTime": told["run_at"],
        "instrument": {"@id": workflow},
        "object": _references(one["@id"] for one in inputs),
        "result": _references(one["@id"] for one in results),
    }  # fmt: skip
    parts = [one for one in [main, *inputs, *results] if "File" in one["@type"]]
    root["hasPart"] = _references(one["@id"] for one in parts)
    descriptor = {
        "@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": _references([RO_CRATE, WORKFLOW_CRATE]),
    }  # fmt: skip
    graph = [descriptor, root, main, run, *inputs, *results, *software, *_context()]
    return {"@context": CONTEXT, "@graph": graph}


def _references(ids: Iterable[str]) -> list[dict]:
    return [{"@id": one} for one in ids]


def _file(folder: Path, path: str) -> dict:
    return {
        "@id": quote(path), "@type": "File", "name": path,
        "encodingFormat": FORMATS.get(Path(path).suffix, "application/octet-stream"),
        "contentSize": str((folder / path).stat().st_size),
        "sha256": sha256(folder / path),
    }  # fmt: skip


def _software(name: str, version: str) -> dict:
    url = f"https://pypi.org/project/{name}/" if name != "python" else "https://www.python.org/"
    return {
        "@id": url, "@type": "SoftwareApplication", "name": name, "url": url,
        "softwareVersion": version,
    }  # fmt: skip


def _elsewhere(told: dict, copied: set[str]) -> list[dict]:
    """What was read and is not in the folder: models, and activations that were brought."""
    models = [
        {
            "@id": f"#{name}", "@type": "CreativeWork", "name": name,
            "description": json.dumps(model["source"], sort_keys=True, ensure_ascii=False),
            "license": model["license"], "sha256": model["weights_sha256"],
        }
        for name, model in told["models"].items()
    ]  # fmt: skip
    return models + [
        {"@id": f"#{quote(name)}", "@type": "CreativeWork", "name": name, "sha256": digest}
        for name, digest in told["inputs"].items()
        if name not in copied
    ]


def _context() -> list[dict]:
    """What the other entities refer to."""
    profiles = [
        {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
        for url, (name, version) in PROFILES.items()
    ]
    return [
        *profiles,
        {
            "@id": "#licence", "@type": "CreativeWork", "name": "Licence not stated",
            "description": "Whoever publishes these results chooses their licence. The workflow is "
            "under the MIT licence; the models keep their own.",
        },
        {"@id": MIT, "@type": "CreativeWork", "name": "MIT License", "identifier": MIT},
        {
            "@id": SNAKEMAKE, "@type": "ComputerLanguage", "name": "Snakemake",
            "identifier": "https://doi.org/10.1093/bioinformatics/bts480",
            "url": "https://snakemake.readthedocs.io",
        },
    ]  # fmt: skip
