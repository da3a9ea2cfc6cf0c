"""A stand-in for the Hugging Face hub on the loopback interface, with faults to order.

`FOLDER/<org>/<name>/` is served as the repository `<org>/<name>` at the commit written in its
file `REVISION` (or given in `revisions`). Only what a download of a model asks for is answered:
model info, tree, and HEAD or GET of files, with byte ranges.

    with serve(folder, faults={"org/name": Fault("cut", on="get", size=1000)}) as hub:
        ...  # HF_ENDPOINT = hub.url; hub.requests is what was asked
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin")  # files the hub keeps outside git and names by their SHA-256
API = re.compile(
    r"/api/models/(?P<repo>[^/]+/[^/]+)(?:/(?P<what>revision|tree)/(?P<commit>[^/]+))?"
)
FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<commit>[^/]+)/(?P<name>.+)")
PAGE = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one repository.

    kind : `gated` (401 without a token, 403 with another than `token`), `missing` (the commit is
        unknown), `stall` (nothing is sent for `seconds`), `cut` (the connection closes after
        `size` bytes of the body), `short` (the body ends early and its length says so),
        `corrupt` (the right length, another content), `html` (a page with status 200),
        `reset` (the connection is reset) or `error` (status 503).
    on : where: words out of `api`, `head` and `get`.
    files : which files, as a shell pattern.
    times : how often, before all is well.
    """

    kind: str
    on: str = "api head get"
    files: str = "*"
    times: float = float("inf")
    seconds: float = 60.0
    size: int = 0
    token: str = ""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    range: str | None
    authorization: str | None


class Hub(ThreadingHTTPServer):
    """The server; `requests` lists what it was asked, `faults` may be changed while it runs."""

    daemon_threads = True

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        revisions: Mapping[str, str] | None = None,
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.folder = Path(folder)
        self.revisions = dict(revisions or {})
        self.faults = dict(faults or {})
        self.requests: list[Request] = []
        self.faults_shown: Counter[str] = Counter()
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def revision(self, repo: str) -> str | None:
        """The commit at which a repository is served; None if there is no such repository."""
        if repo in self.revisions:
            return self.revisions[repo]
        path = self.folder / repo / "REVISION"
        return path.read_text().strip() if path.is_file() else None

    def files(self, repo: str) -> dict[str, Path]:
        root = self.folder / repo
        paths = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*"))}
        return {name: path for name, path in paths.items() if path.is_file() and name != "REVISION"}

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


@contextmanager
def serve(
    folder: Path,
    port: int = 0,
    revisions: Mapping[str, str] | None = None,
    faults: Mapping[str, Fault] | None = None,
) -> Iterator[Hub]:
    """Serve `folder` in a thread until the block ends."""
    hub = Hub(folder, port, revisions, faults)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        hub.shutdown()
        hub.server_close()
        thread.join()


def digests(content: bytes) -> tuple[str, str]:
    """Git's name of a file and its SHA-256."""
    git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return git.hexdigest(), hashlib.sha256(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests quiet."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        asked = (self.headers.get("Range"), self.headers.get("Authorization"))
        self.server.requests.append(Request(self.command, path, *asked))
        route = API.fullmatch(path) or FILE.fullmatch(path)
        if route is None:
            self._refuse(404, "", "Not found")
            return
        repo, commit = route["repo"], route["commit"] or "main"
        place = "api" if route.re is API else self.command.lower()
        name = route["name"] if route.re is FILE else ""
        fault = self._fault(repo, place, name)
        if fault is not None and self._fail(fault, repo):
            return

        revision = self.server.revision(repo)
        if revision is None:
            # As the hub does: a stranger is not told whether a repository exists.
            status = 404 if "Authorization" in self.headers else 401
            self._refuse(status, "RepoNotFound", "Repository not found")
        elif commit not in (revision, "main"):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {commit}")
        elif route.re is API:
            self._list(repo, revision, tree=route["what"] == "tree")
        elif name in self.server.files(repo):
            self._send_file(self.server.files(repo)[name], revision, fault)
        else:
            self._refuse(404, "EntryNotFound", "Entry not found")

    def _fault(self, repo: str, place: str, name: str) -> Fault | None:
        """The fault to show now, counted."""
        fault = self.server.faults.get(repo)
        if fault is None or place not in fault.on.split() or not fnmatch(name, fault.files):
            return None
        if self.server.faults_shown[repo] >= fault.times:
            return None
        self.server.faults_shown[repo] += 1
        return fault

    def _fail(self, fault: Fault, repo: str) -> bool:
        """Show a fault that replaces the whole answer; False if there is still one to give."""
        if fault.kind == "gated":
            token = self.headers.get("Authorization")
            if token == f"Bearer {fault.token}":
                return False
            message = f"Access to model {repo} is restricted."
            self._refuse(403 if token else 401, "GatedRepo", message)
        elif fault.kind == "missing":
            self._refuse(404, "RevisionNotFound", "Invalid rev id")
        elif fault.kind == "error":
            self._refuse(503, "", "Service unavailable")
        elif fault.kind == "html":
            self._send(200, PAGE, {"Content-Type": "text/html"})
        elif fault.kind == "stall":
            self.server.closing.wait(fault.seconds)
        elif fault.kind == "reset":
            # Closing a socket that lingers for no time sends a reset instead of an end.
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.rfile.close()
            self.wfile.close()
            self.connection.close()
        else:
            return False
        return True

    def _list(self, repo: str, revision: str, tree: bool) -> None:
        """Send the files of a repository as the hub's tree or as its model info."""
        entries: list[dict] = []
        for name, path in self.server.files(repo).items():
            content = path.read_bytes()
            git, sha256 = digests(content)
            if tree:
                entry = {"type": "file", "path": name, "size": len(content), "oid": git}
                lfs = {"size": len(content), "oid": sha256, "pointerSize": 134}
            else:
                entry = {"rfilename": name, "size": len(content), "blobId": git}
                lfs = {"size": len(content), "sha256": sha256, "pointerSize": 134}
            entries.append(entry | ({"lfs": lfs} if name.endswith(LARGE) else {}))
        answer = entries if tree else {"id": repo, "sha": revision, "siblings": entries}
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send_file(self, path: Path, revision: str, fault: Fault | None) -> None:
        content = path.read_bytes()
        git, sha256 = digests(content)
        headers = {"X-Repo-Commit": revision, "ETag": f'"{git}"', "Accept-Ranges": "bytes"}
        if path.name.endswith(LARGE):
            headers |= {
                "ETag": f'"{sha256}"',
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(content)),
            }
        total, start, status = len(content), 0, 200
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start, status = int(asked[1]), 206
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        content = content[start:]
        kind = fault.kind if fault else ""
        if kind == "short":
            content = content[: fault.size]
        elif kind == "corrupt":
            content = bytes(byte ^ 255 for byte in content)
        self._send(status, content, headers, stop=fault.size if kind == "cut" else None)

    def _refuse(self, status: int, code: str, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, body, headers)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], stop: int | None = None
    ) -> None:
        """Send an answer; of its body only the first `stop` bytes."""
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:stop])
