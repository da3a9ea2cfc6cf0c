"""Download a model from the Hugging Face hub, or from a mirror of it, at one exact commit.

Only configuration, tokenizer and safetensors weights are taken: nothing that is code or that
could run when it is loaded.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from emovec.errors import InputError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.hf_api import RepoSibling


PUBLIC_HUB = "https://huggingface.co"


CONFIGURATION = {"config.json", "generation_config.json"}


TOKENIZER = {
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
}


SLOW_TOKENIZER = {"tokenizer.model", "vocab.txt"}  # what a fast tokenizer is converted from


WEIGHTS = (".safetensors", ".safetensors.index.json")


WAYS_OUT = (
    "connect to the network, set HF_ENDPOINT to a mirror, "
    "or use `source: {path: ...}` with a local folder"
)


def download(repo: str, revision: str, folder: Path) -> Path:
    """Fetch the model files of `repo` at the commit `revision` into `folder`; return `folder`.

    Files that an earlier, interrupted call left whole are not fetched again; within a call, a
    transfer that breaks off goes on after the last full piece (10 MiB). Every file is compared
    with the digest the hub lists for it. HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN are read when
    the function is called; HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT when huggingface_hub
    is first imported.

    Raises
    ------
    InputError
        If the revision is not a commit, the hub cannot be reached or refuses, the repository has
        no safetensors weights, or a file does not arrive whole.
    """
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise InputError(
            f"The revision {revision!r} of {repo} is not a commit: give all 40 hexadecimal digits "
            "(lower case), as shown in the history of the repository."
        )
    if _is_set("HF_HUB_OFFLINE") or _is_set("TRANSFORMERS_OFFLINE"):
        raise InputError(_offline(repo))

    # Read by huggingface_hub at import. Xet is another protocol, which mirrors do not speak.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
    from huggingface_hub import HfApi, constants, hf_hub_download

    endpoint, access = _endpoint()

    # Not snapshot_download: its listing request has no time limit, and when a request fails it
    # returns whatever the folder holds.
    with _explained(repo, repo, revision, endpoint):
        info = HfApi(endpoint=endpoint, **access).model_info(
            repo, revision=revision, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT
        )
    if info.sha != revision:
        raise InputError(
            f"{endpoint} answered with commit {info.sha} of {repo} instead of {revision}: "
            "set HF_ENDPOINT to a hub that serves exact commits."
        )
    files = _wanted(info.siblings or [])
    names = {file.rfilename for file in files}
    if not any(name.endswith(".safetensors") for name in names):
        raise InputError(
            f"{repo} has no safetensors weights at commit {revision}: choose a commit or a "
            "repository that has them, because pickled weights can run code and are not loaded."
        )
    if "config.json" not in names:
        raise InputError(
            f"{repo} has no config.json at commit {revision}, so it is not a whole model: "
            "choose the repository of the model itself."
        )

    for file in files:
        with _explained(f"{file.rfilename} of {repo}", repo, revision, endpoint):
            path = Path(
                hf_hub_download(
                    repo,
                    file.rfilename,
                    revision=revision,
                    local_dir=folder,
                    endpoint=endpoint,
                    **access,
                )
            )
            if not _is_whole(path, file):
                path.unlink()
                raise InputError(
                    f"{file.rfilename} of {repo} does not have the content that {endpoint} lists "
                    f"for commit {revision} and was removed: run again to fetch it anew, or "
                    f"{WAYS_OUT}."
                )
    return folder


def _endpoint() -> tuple[str, dict]:
    """The hub, and what opens it: a name and password in HF_ENDPOINT leave the address.

    So neither an error nor the client's own messages can show them.
    """
    given = (os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
    scheme, credentials, rest = re.fullmatch(r"(\w+://)?(?:([^/]*)@)?(.*)", given, re.S).groups("")
    if not credentials:
        return given, {}
    basic = base64.b64encode(unquote(credentials).encode()).decode()
    return scheme + rest, {"token": False, "headers": {"authorization": f"Basic {basic}"}}


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}


def _wanted(files: list[RepoSibling]) -> list[RepoSibling]:
    """The files at the top of the repository that make up the model."""
    names = {file.rfilename for file in files}
    wanted = CONFIGURATION | TOKENIZER
    if "tokenizer.json" not in names:
        wanted = wanted | SLOW_TOKENIZER
    return [
        file
        for file in files
        if file.rfilename in wanted
        or (
            file.rfilename.endswith(WEIGHTS)
            and "/" not in file.rfilename
            # a second copy of the weights, in the layout of their makers' own code
            and not file.rfilename.startswith("consolidated")
        )
    ]


def _is_whole(path: Path, file: RepoSibling) -> bool:
    """Whether the file has the digest the hub lists; true if the hub lists none."""
    if file.lfs is not None:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.lfs.sha256
    if file.blob_id is not None:
        content = path.read_bytes()
        blob = b"blob %d\0" % len(content) + content  # how git names a file
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest() == file.blob_id
    return True


@contextmanager
def _explained(what: str, repo: str, revision: str, endpoint: str) -> Iterator[None]:
    """Turn whatever goes wrong while fetching `what` into one sentence."""
    try:
        yield
    except InputError:
        raise
    # The hub's client, its transport and the file system share no base class but Exception.
    except Exception as error:
        raise InputError(sentence(error, what, repo, revision, endpoint)) from error


def sentence(error: Exception, what: str, repo: str, revision: str, endpoint: str) -> str:
    """Whatever went wrong while fetching `what`, and what to do about it."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    # huggingface_hub 1 raises the errors of httpx, 2 those of httpx2, under the same names.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    said = " ".join(str(error).split()).rstrip(".").replace(". ", "; ") or type(error).__name__

    if isinstance(error, errors.HFValidationError):
        return f"{repo!r} is not the name of a repository: give it as organisation/name."
    if isinstance(error, errors.HfHubHTTPError):
        return _refusal(error, what, repo, revision, endpoint)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return _offline(repo)
    if isinstance(error, json.JSONDecodeError | errors.FileMetadataError):
        return (
            f"{endpoint} sent something else instead of {what}, such as the page of a proxy or of "
            f"a login: open it in a browser, or {WAYS_OUT}."
        )
    if "TimeoutException" in kinds:
        return (
            f"{endpoint} stopped answering while sending {what}: run again later, raise "
            f"HF_HUB_DOWNLOAD_TIMEOUT and HF_HUB_ETAG_TIMEOUT (seconds), or {WAYS_OUT}."
        )
    if "TransportError" in kinds:
        return f"{what} could not be fetched from {endpoint} ({said}): run again, or {WAYS_OUT}."
    if isinstance(error, OSError) and error.errno is not None:
        return (
            f"{what} could not be stored ({error.strerror}: {error.filename}): "
            "free or mend that place and run again."
        )
    if isinstance(error, OSError) and "Consistency check failed" in said:
        return (
            f"{what} did not arrive from {endpoint} in its full length (cut off, or another page "
            f"in its place): run again, or {WAYS_OUT}."
        )
    return (
        f"{what} could not be fetched from {endpoint} ({said}): check HF_ENDPOINT, or {WAYS_OUT}."
    )


def _refusal(error: HfHubHTTPError, what: str, repo: str, revision: str, endpoint: str) -> str:
    """One sentence for an answer of the hub that is an HTTP error."""
    from huggingface_hub import errors

    status = error.response.status_code
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"{repo} has no commit {revision} on {endpoint}: take the revision from the history "
            "of the repository."
        )
    if isinstance(error, errors.GatedRepoError) or status == 403:
        return (
            f"{endpoint} refuses {what} (HTTP {status}): accept the licence of {repo} on its page "
            "and set HF_TOKEN to a token of that account, or use `source: {path: ...}` with a "
            "local folder."
        )
    if status == 401:
        # The hub also says 401 for a repository that does not exist.
        return (
            f"{endpoint} shows no {repo} without permission (HTTP 401): check the name, or accept "
            "its licence and set HF_TOKEN if it is gated or private, or use `source: {path: ...}` "
            "with a local folder."
        )
    if status == 404:
        return (
            f"{what} at commit {revision} was not found on {endpoint}: check the name of the "
            "repository and the revision."
        )
    return (
        f"{endpoint} answered HTTP {status} when asked for {what}: run again later, or {WAYS_OUT}."
    )


def _offline(repo: str) -> str:
    return (
        f"{repo} cannot be fetched because HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set: unset "
        f"it and {WAYS_OUT}."
    )
