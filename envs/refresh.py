"""Renew every pin together: requirements.lock, and from it the pip sections of envs/*.yaml.

    python envs/refresh.py                 # resolve anew what pyproject.toml asks for
    python envs/refresh.py --report FILE   # from a report that pip has written
    python envs/refresh.py --from-lock     # after the lock was edited by hand

Run it with the Python that the project is tested on, then `make test`. The libraries of
tests/interchange.txt are pinned by hand, because they are installed against their own wishes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = "models,notebook,workflow,dev"
PIN = re.compile(r"^(?P<before>\s*(?:- )?)(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)$", re.M)
# what torch brings along on one platform alone
PLATFORM = re.compile(r"^(nvidia|cuda|triton|pytorch-triton)")


def resolve() -> dict:
    """pip's report of what the package with all extras needs, newest first.

    Raises
    ------
    SystemExit
        If pip finds no versions that fit together; with what it said.
    """
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--report", "-", f"{ROOT}[{EXTRAS}]"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"pip cannot resolve the requirements: {done.stderr.strip()}")
    return json.loads(done.stdout)


def pins_of(report: dict) -> dict[str, str]:
    """{name as its authors write it: version}, but for emovec itself."""
    found = {one["metadata"]["name"]: one["metadata"]["version"] for one in report["install"]}
    own = {"emovec"}
    # a local build, as 2.13.0+cpu, is the same release
    return {
        name: version.partition("+")[0]
        for name, version in found.items()
        if canonical(name) not in own and not PLATFORM.match(canonical(name))
    }


def canonical(name: str) -> str:
    """The name of a package as the index compares it.

    >>> canonical("Py_Rattler")
    'py-rattler'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def lock(text: str, pins: dict[str, str]) -> str:
    """The lock with its comments kept and its pins replaced."""
    comments = [line for line in text.splitlines() if line.startswith("#")]
    lines = [f"{name}=={version}" for name, version in pins.items()]
    lines.sort(key=lambda line: canonical(line.partition("==")[0]))
    return "\n".join([*comments, *lines]) + "\n"


def renewed(text: str, pins: dict[str, str]) -> str:
    """An environment file with the versions of the lock.

    Raises
    ------
    SystemExit
        If it pins a package that the lock lacks.
    """
    versions = {canonical(name): version for name, version in pins.items()}

    def pin(match: re.Match) -> str:
        version = versions.get(canonical(match["name"]))
        if version is None:
            sys.exit(f"An environment pins {match['name']}, which requirements.lock lacks.")
        return f"{match['before']}{match['name']}=={version}"

    return PIN.sub(pin, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, help="a report of pip install --report")
    parser.add_argument("--from-lock", action="store_true", help="leave the lock as it is")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    given = parser.parse_args()
    path = given.root / "requirements.lock"
    text = path.read_text()
    old = {match["name"]: match["version"] for match in PIN.finditer(text)}
    if given.from_lock:
        pins = old
    else:
        pins = pins_of(json.loads(given.report.read_text()) if given.report else resolve())
    files = {path: lock(text, pins) if not given.from_lock else text}
    for environment in sorted((given.root / "envs").glob("*.yaml")):
        files[environment] = renewed(environment.read_text(), pins)
    for file, content in files.items():  # nothing is written before all of it is known
        file.write_text(content)
    before = {canonical(name): version for name, version in old.items()}
    after = {canonical(name): version for name, version in pins.items()}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            print(f"{name}: {before.get(name, 'new')} → {after.get(name, 'gone')}")


if __name__ == "__main__":
    main()
