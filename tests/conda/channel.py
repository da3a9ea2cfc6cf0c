"""Make a conda channel on disk: channel.py FOLDER NAME=VERSION …

The package python is a wrapper round this interpreter that leaves a file `used` in its
environment; every other one holds a text file.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path

from rattler.index import index_fs


def write_package(channel: Path, name: str, version: str, files: dict[str, bytes]) -> None:
    """Write one package; what it holds below bin/ can be run."""
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": []}
    paths = [
        {"_path": path, "path_type": "hardlink", "size_in_bytes": len(content)}
        | {"sha256": hashlib.sha256(content).hexdigest()}
        for path, content in files.items()
    ]
    described = {
        "info/index.json": json.dumps(index | {"subdir": "linux-64"}).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
    }
    folder = channel / "linux-64"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / f"{name}-{version}-0.tar.bz2", "w:bz2") as archive:
        for path, content in (described | files).items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    channel = Path(sys.argv[1])
    (channel / "noarch").mkdir(parents=True)
    for pin in sys.argv[2:]:
        name, _, version = pin.partition("=")
        wrapper = f'#!/bin/sh\n: > "${{0%/bin/python}}/used"\nexec {sys.executable} "$@"\n'.encode()
        held = {"bin/python": wrapper} if name == "python" else {f"share/{name}": b"stand-in"}
        write_package(channel, name, version, held)
    asyncio.run(index_fs(channel))
    sys.stdout.flush()
    os._exit(0)  # py-rattler may abort while the interpreter shuts down
