"""The examples and the notebook run on small data, and print what they promise."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.planted import planted_movielens

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


def run(name: str, *arguments: str, cwd: Path) -> str:
    """Run an example from another folder, as somebody does who has not installed the project."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Planted data with a model that ``train_and_ask.py`` trained on them, and what it printed."""
    folder = tmp_path_factory.mktemp("examples")
    data = planted_movielens(folder / "planted")
    printed = run("train_and_ask.py", f"--data_dir={data}", "--epochs=4", cwd=folder)
    return folder, printed


def test_train_and_ask(trained):
    folder, printed = trained
    assert printed.count("Planted") >= 5 + 5 + 3
    assert "kept in checkpoints" in printed and (folder / "checkpoints" / "best.pt").exists()


def test_new_movie(trained):
    folder, _ = trained
    printed = run("new_movie.py", cwd=folder)
    assert printed.count("Planted") == 10
    assert -1.001 <= float(re.search(r"cosine of the two embeddings: (\S+)", printed)[1]) <= 1.001


def test_own_graph(tmp_path):
    printed = run("own_graph.py", cwd=tmp_path)
    share = int(re.search(r"nearest to each, (\d+)%", printed)[1])
    assert share >= 80  # 12 % by chance


def test_indexes(tmp_path):
    printed = run("indexes.py", "--num_vectors=3000", "--num_queries=50", cwd=tmp_path)
    recalls = [float(recall) for recall in re.findall(r"^\w+Index\(.* (\d\.\d{3}) ", printed, re.MULTILINE)]
    assert recalls[0] == 1 and len(recalls) == 3 and min(recalls) > 0.7


def test_the_notebook_runs_from_data_to_map(tmp_path, monkeypatch):
    planted_movielens(tmp_path / "data" / "ml-100k")
    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLES / "tour.ipynb", tmp_path / "examples")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    notebook = nbformat.read(tmp_path / "examples" / "tour.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=300, kernel_name="python3")
    client.execute(cwd=str(tmp_path / "examples"))
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    assert not [output for output in outputs if output.output_type == "error"]


def test_the_notebook_is_short_and_keeps_its_outputs():
    notebook = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert 8 <= len(code) <= 12
    assert all(cell.outputs for cell in code[1:]), "run the notebook and save it with its outputs"
    assert sum(len(cell.source.splitlines()) for cell in code) <= 80
