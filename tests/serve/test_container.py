"""The Containerfile's own command, as its user, on a file system like that of its image. No image is built.

A new root has the system's folders, this Python and the files that ``COPY . .`` would take, all read-only.
Only ``/tmp`` can be written. Mount and network namespaces keep it apart from this machine.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from model.checkpoint import BEST
from tests.serving import ROOT

SYSTEM = ("/bin", "/lib", "/lib64", "/usr", "/etc", "/proc", "/dev")
SCRIPT = """
set -e
mount -t tmpfs none {root}
for folder in {system}; do
    if [ -L $folder ]; then cp -a $folder {root}$folder
    elif [ -d $folder ]; then mkdir {root}$folder; mount --rbind $folder {root}$folder; fi
done
mkdir {root}/tmp
mount -t tmpfs -o mode=1777 none {root}/tmp
while read from to; do
    mkdir -p {root}$to
    mount --bind $from {root}$to
    mount -o remount,bind,ro {root}$to
done < {binds}
mount -o remount,ro {root}
ip link set lo up
inside() {{ chroot --userspec={user} {root} env -i PATH={path} {env} sh -c "cd {workdir} && exec $1"; }}
chroot --userspec={user} {root} env -i PATH={path} {env} sh -c "cd {workdir} && exec {command}" &
server=$!
for turn in $(seq 600); do
    if inside "{health} --url http://127.0.0.1:8000/api/ready" 2> /dev/null; then break; fi
    kill -0 $server; sleep 0.5
done
inside "{health}"
inside "touch /app/written /model/written" || echo "nothing is written"
inside "id -u"
inside "python -c 'import urllib.request as r; print(r.urlopen(\\"http://127.0.0.1:8000/api/movies/7/methods\\").status)'"
kill $server
wait $server || echo "ended with $?"
"""


def instructions():
    """The instructions of the Containerfile, in order: name and text."""
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line and not line.startswith("#")]


def only(name):
    (text,) = [text for found, text in instructions() if found == name]
    return text


def left_out(path, rules):
    """Whether ``.dockerignore`` leaves out a path: the last rule that fits it or a folder above decides."""
    found = False
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("/")
        above = [path, *path.parents]
        names = [one.name if pattern.startswith("**/") else str(one) for one in above]
        if any(fnmatch.fnmatch(name, pattern.removeprefix("**/")) for name in names):
            found = not rule.startswith("!")
    return found


def copy_all(target):
    """What ``COPY . .`` takes."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders if not left_out(here / name, rules)]
        (target / here).mkdir(parents=True, exist_ok=True)
        for name in files:
            if not left_out(here / name, rules):
                shutil.copy(ROOT / here / name, target / here / name)


@pytest.fixture
def outside():
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="pinsage-container-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_image_is_pinned_like_the_requirements_and_has_few_layers():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert re.findall(r"torch==([\d.]+)", " ".join(text for _, text in instructions())) == [pins["torch"]]
    names = [name for name, _ in instructions()]
    assert sum(name in ("RUN", "COPY", "ADD") for name in names) <= 3
    assert only("USER").split(":")[0] not in ("0", "root")


def test_what_the_image_has_and_has_not(outside):
    copy_all(outside / "app")
    there = {
        str(path.relative_to(outside / "app")) for path in (outside / "app").rglob("*") if path.is_file()
    }
    assert {"main.py", "data/dataset.py", "data/reading/movielens.py", "serve/page/app.js"} <= there
    assert not any(path.startswith(("tests/", ".git/", "checkpoints/best", "data/ml-")) for path in there)


@pytest.mark.slow
def test_its_own_command_serves_as_its_user_on_a_read_only_file_system(trained_folder, outside):
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can make a read-only root and change to another user")
    if subprocess.run(["unshare", "-m", "-n", "ip", "link"], capture_output=True).returncode:
        pytest.skip("no mount and network namespaces, or no ip, here")
    copy_all(outside / "app")
    (outside / "model").mkdir()
    shutil.copy(trained_folder / "checkpoints" / BEST, outside / "model" / BEST)
    (outside / "model" / BEST).chmod(0o644)
    pythons = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path.endswith("site-packages"))}
    binds = [(path, path) for path in sorted(pythons) if not path.startswith("/usr")]
    binds += [(outside / "app", "/app"), (outside / "model", "/model")]
    (outside / "binds").write_text("".join(f"{source} {target}\n" for source, target in binds))
    (outside / "root").mkdir()
    health = json.loads(only("HEALTHCHECK").split("CMD", 1)[1])
    script = SCRIPT.format(
        root=outside / "root",
        binds=outside / "binds",
        system=" ".join(SYSTEM),
        user=only("USER"),
        path=f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        env=only("ENV"),
        workdir=only("WORKDIR"),
        command=shlex.join(json.loads(only("CMD"))),
        health=shlex.join(health),
    )
    ended = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", script], capture_output=True, text=True, timeout=900
    )
    said = ended.stdout.splitlines()
    assert ended.returncode == 0, ended
    assert 'http://127.0.0.1:8000/api/health answers 200: {"state":"alive"}' in said
    assert ["nothing is written", only("USER").split(":")[0], "200", "ended with 130"] == said[-4:], ended
    assert "Traceback" not in ended.stderr
    assert any(line.startswith("http://0.0.0.0:8000 serves 40 films") for line in said)
