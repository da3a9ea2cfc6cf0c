"""A Python whose libraries are loaded already.

Importing torch and pandas takes longer than what a job of a small experiment does. A server imports
them once; `python` writes a program that is called like Python, and has a fork of the server run
the script. Tests of what becomes of processes use Python itself.
"""

from __future__ import annotations

import ast
import atexit
import gc
import importlib
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIBRARIES = (
    "altair", "h5py", "matplotlib.pyplot", "pandas", "scipy.stats", "seaborn",
    "sklearn.linear_model", "snakemake.cli", "tokenizers", "torch",
    "transformer_lens.model_bridge", "transformers",
)  # fmt: skip
CLIENT = """#!{python} -IS
import os, socket, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    said = repr((sys.argv, os.getcwd(), dict(os.environ))).encode()
    socket.send_fds(server, [said[:1]], [0, 1, 2])
    server.sendall(said[1:])
    server.shutdown(socket.SHUT_WR)
    code = int(server.recv(16) or 1)
sys.exit(code if code >= 0 else 128 - code)
"""


@contextmanager
def python(folder: Path) -> Iterator[str]:
    """The path of the program, beside a snakemake; they work until the block ends."""
    address, program = folder / "socket", folder / "python"
    program.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    (folder / "snakemake").write_text(f'#!/bin/sh\nexec "{program}" -m snakemake "$@"\n')
    for made in (program, folder / "snakemake"):
        made.chmod(0o755)
    server = subprocess.Popen([sys.executable, __file__, address], start_new_session=True)
    while not address.exists():
        assert server.poll() is None, "the libraries cannot be loaded"
        time.sleep(0.05)
    try:
        yield str(program)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def serve(address: str) -> None:
    """Load the libraries and run in forks what is asked for."""
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()  # what is loaded is not looked through in every fork
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    server.settimeout(5)
    parent = os.getppid()
    while parent == os.getppid():  # or the tests were killed
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        if os.fork() == 0:
            server.close()
            return answer(connection)
        connection.close()


def answer(connection: socket.socket) -> None:
    """Run one script in a process of its own, whose end is told."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said, descriptors, *_ = socket.recv_fds(connection, 1, 3)
    while more := connection.recv(2**16):
        said += more
    child = os.fork()
    if child == 0:
        connection.close()
        return run(*ast.literal_eval(said.decode()), descriptors)
    for descriptor in (0, 1, 2, *descriptors):  # or who reads them would wait for this process
        os.close(descriptor)
    _, status = os.waitpid(child, 0)
    connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def run(words: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """What Python does with a script, or a module after -m."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable, *sys.argv = words
    sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    code: object = 0
    try:
        if sys.argv[0] == "-m":
            del sys.argv[0]
            sys.path[0] = folder
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = os.path.dirname(sys.argv[0])
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    # the end of Python, without two seconds in which all that is loaded is taken down
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    serve(sys.argv[1])
