"""The worked examples of docs/own_data.md: their schemas and commands, run on small data of their form."""

import json
import shlex

import pytest

from commands.entry import main_inference, main_modes, main_train
from tests.books import library, shelf_of
from tests.commands.test_commands import FAST
from tests.documents.pages import ROOT
from tests.worked_examples import is_odd, shop, videos

PAGE = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
RUN = {"train.py": main_train, "inference.py": main_inference, "main.py": main_modes}
EXAMPLES = {"library": library, "shop": shop, "videos": videos}


def section(name):
    """The schema and the commands of an example, by the name of its folder."""
    part = next(part for part in PAGE.split("\n## ") if f"`data/{name}`" in part)
    schema = part.split("```json\n")[1].split("```")[0]
    lines = [line for block in part.split("```bash\n")[1:] for line in block.split("```")[0].splitlines()]
    return json.loads(schema), [shlex.split(line) for line in lines]


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request, tmp_path_factory):
    """The folder of an example after every command of its section, and what the last answers were."""
    work = tmp_path_factory.mktemp(request.param)
    schema, commands = section(request.param)
    folder = work / "data" / request.param
    folder.mkdir(parents=True)
    EXAMPLES[request.param](folder)
    (folder / "schema.json").write_text(json.dumps(schema))
    new = {"title": "New", "vectors": {"frames": [2.0, 1.0, 0.0]}}
    (work / "video.json").write_text(json.dumps(new))
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.chdir(work)
    codes = []
    for _, script, *flags in commands:
        flags = [one.replace("Reader 7", "Reader Nº7").replace("of the moon", "Tome 001") for one in flags]
        codes.append(RUN[script](flags + (["--epochs", "4", *FAST] if script == "train.py" else [])))
    yield request.param, codes, work
    monkeypatch.undo()


def test_every_command_of_the_section_runs(example):
    name, codes, work = example
    assert codes and set(codes) == {0}
    assert (work / "checkpoints" / "best.pt").exists()


def test_items_of_one_kind_are_recommended(example, capsys):
    name, _, _ = example
    first = {"library": "sea/000-X", "shop": "A0", "videos": "v0"}[name]
    kind = shelf_of if name == "library" else is_odd
    capsys.readouterr()
    assert main_inference(["--movie_id", first, "--format", "json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert sum(kind(film["movieId"]) == kind(first) for film in answer["recommendations"]) >= 8


def test_a_new_video_is_placed_by_its_vector(example, capsys):
    name, _, _ = example
    if name != "videos":
        pytest.skip("the section has no new item")
    capsys.readouterr()
    assert main_inference(["--new_movie", "video.json", "--format", "json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert sum(is_odd(film["movieId"]) for film in answer["recommendations"]) >= 8
