"""Files written whole or not at all, and their digests."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from emovec.errors import InputError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}


FICLONE = 0x40049409  # of Linux: both files share their blocks until one is written to


def slugs(names: Sequence[str]) -> dict[str, str]:
    """What each of the names of classes is called in names of files, no two alike.

    >>> slugs(["joy", "Grief-stricken", "喜び", "Joy"])
    {'joy': 'joy', 'Grief-stricken': 'grief-stricken', '喜び': 'class-3', 'Joy': 'joy-4'}
    """
    found: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-") or f"class-{number}"
        while slug in found.values():
            slug += f"-{number}"
        found[name] = slug
    return found


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Give a name to write to; it becomes `path` when the block ends well, else it is removed.

    What writers of `path` that were killed have left is removed too.

    Raises
    ------
    InputError
        If the disk is full or may not be written to.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        yield part
        os.replace(part, path)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise InputError(
            f"{path} cannot be written ({os.strerror(error.errno)}): make room there, or let it be "
            "written to, and run again."
        ) from error
    finally:
        if part.exists():
            part.unlink()


@contextmanager
def scratch(folder: Path, name: str) -> Iterator[Path]:
    """A new folder inside `folder`, gone after the block; those of killed jobs are removed."""
    part = folder / f".{name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder / name)
        part.mkdir()
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _remove_abandoned(path: Path) -> None:
    """Remove the parts of `path` whose process is no more, or had the number of this one."""
    name = re.compile(rf"\.{re.escape(path.stem)}\.(\d+){re.escape(path.suffix)}")
    for other in path.parent.iterdir():
        found = name.fullmatch(other.name)
        if found and (int(found[1]) == os.getpid() or not _runs(int(found[1]))):
            shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_text(path: str | Path, text: str) -> None:
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: object) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_digests(folder: Path, digests: dict[str, str]) -> None:
    """Compare the files of a folder with the SHA-256 of each.

    Raises
    ------
    InputError
        If one differs or lacks.
    """
    for name, digest in digests.items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            raise InputError(
                f"{folder / name} is not the file that came with the model: remove the folder "
                f"{folder} and run again."
            )


def link_or_copy(source: Path, target: Path) -> None:
    """Put the same content at `target`: a hard link where the file system allows, else a copy."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        copy_file(source, target)


def copy_file(source: Path, target: Path) -> None:
    """Put the same content at `target`, sharing its blocks where the file system can."""
    with source.open("rb") as old, target.open("wb") as new:
        try:
            fcntl.ioctl(new, FICLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)
