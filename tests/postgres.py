"""A PostgreSQL server with pgvector for tests, from the package ``pgserver``, in a folder of its own.

PostgreSQL does not start as root. Then its programs are copied to where anybody can read them, and run as the
user nobody.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

UNPRIVILEGED = "nobody"


@contextlib.contextmanager
def postgres() -> Iterator[Callable[[str], str]]:
    """A function that sends a script through psql and gives what it prints, unaligned, without headings.

    Skips where the package is not installed, or where root has nobody to run the server as.
    """
    package = find_spec("pgserver")
    if package is None:
        pytest.skip("pgserver is not installed: pip install -r requirements-stores.txt")
    source = Path(str(package.origin)).parent
    with tempfile.TemporaryDirectory(prefix="pinsage-postgres-") as name:
        folder = Path(name)
        as_user = {}
        if os.getuid() == 0:
            try:
                user = pwd.getpwnam(UNPRIVILEGED)
            except KeyError:
                pytest.skip(f"PostgreSQL does not start as root, and there is no user {UNPRIVILEGED}")
            as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            folder.chmod(0o755)
            for part in ("pgserver/pginstall", "pgserver.libs"):  # its programs look for libraries there
                shutil.copytree(source.parent / part, folder / part, symlinks=True)
            source = folder / "pgserver"
        data = folder / "data"
        data.mkdir(mode=0o700)
        if as_user:
            os.chown(data, user.pw_uid, user.pw_gid)

        def run(program: str, *flags: str, text: str = "", check: bool = True) -> str:
            done = subprocess.run(
                [source / "pginstall" / "bin" / program, *flags],
                input=text.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                check=False,
                **as_user,
            )
            assert not check or done.returncode == 0, done.stdout.decode()
            return done.stdout.decode()

        run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        settings = f"-c listen_addresses='' -k {data} -F"
        run("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", settings, "start")
        try:
            client = ("-X", "-q", "-A", "-t", "-h", str(data), "-U", "postgres", "-d", "postgres")
            yield lambda script: run("psql", *client, "-v", "ON_ERROR_STOP=1", "-f", "-", text=script)
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop", check=False)
