"""The search flags from end to end on planted data."""

import json

import numpy as np
import pytest

from commands.entry import main_inference, main_modes
from commands.evaluate_search import search_metrics
from data.splits import Queries
from search import ExactIndex, WeakANDIndex, fingerprint
from tests.commands.test_commands import PLANTED_DIM, flags, recommended, refused
from tests.planted import planted_movielens
from tests.workspaces import trained

LSH = ["--search_method", "lsh", "--lsh_bits", "64", "--lsh_tables", "16"]
IVF = ["--search_method", "ivf", "--ivf_partitions", "10", "--ivf_factor", "10"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    planted_movielens(folder / "planted")
    return trained(folder, "--epochs", "3")


def ask(workspace, capsys, *argv):
    capsys.readouterr()
    assert main_inference([*flags(workspace), "--movie_id", "7", *argv]) == 0
    shown = capsys.readouterr()
    return recommended(shown.out), shown.err


@pytest.mark.parametrize("method", [LSH, IVF])
def test_inference_finds_what_exact_search_finds_and_keeps_the_index(workspace, capsys, method):
    path = workspace / "checkpoints" / f"index-{method[1]}.npz"
    path.unlink(missing_ok=True)
    exact, _ = ask(workspace, capsys)
    assert ask(workspace, capsys, *method)[0] == exact
    written = path.stat().st_mtime_ns
    found, said = ask(workspace, capsys, *method)
    assert found == exact and "building" not in said and path.stat().st_mtime_ns == written
    everything, _ = ask(workspace, capsys, *method, "--num_recommendations", "39")
    assert len(set(everything)) == 39 and 7 not in everything


def test_a_torn_stale_or_other_index_is_built_again_and_said(workspace, capsys):
    path = workspace / "checkpoints" / "index-ivf.npz"
    exact, _ = ask(workspace, capsys)
    ask(workspace, capsys, *IVF)
    path.write_bytes(path.read_bytes()[:500])
    found, said = ask(workspace, capsys, *IVF)
    assert found == exact and "index-ivf.npz is torn or not an index" in said and "; building it" in said
    WeakANDIndex(10).build(np.eye(40, 8), np.arange(40)).save(path)
    found, said = ask(workspace, capsys, *IVF)
    assert found == exact and "is stale (it contains other embeddings than those given); building it" in said
    found, said = ask(workspace, capsys, *IVF, "--ivf_partitions", "4")
    assert found == exact and "was built with {'num_partitions': 10" in said
    found, said = ask(workspace, capsys, *IVF, "--ivf_partitions", "4")
    assert found == exact and "building it" not in said


def test_an_index_that_cannot_be_kept_is_no_error(workspace, capsys):
    path = workspace / "checkpoints" / "index-lsh.npz"
    path.unlink(missing_ok=True)
    path.mkdir()  # neither to be read as a file nor replaced by one
    exact, _ = ask(workspace, capsys)
    found, said = ask(workspace, capsys, *LSH)
    path.rmdir()
    assert found == exact and "the index is not kept" in said and str(path) in said


@pytest.mark.parametrize("form", ["float16", "int8"])
@pytest.mark.parametrize("method", [["--search_method", "exact"], LSH, IVF])
def test_compact_vectors_are_kept_in_the_file_and_verified_on_demand(workspace, capsys, method, form):
    path = workspace / "checkpoints" / f"index-{method[1]}.npz"
    path.unlink(missing_ok=True)
    exact, _ = ask(workspace, capsys)
    compact = [*method, "--vectors", form]
    found, said = ask(workspace, capsys, *compact)
    assert set(found) == set(exact) and f"x {PLANTED_DIM} {form}" in said and path.exists()
    assert "building it" not in ask(workspace, capsys, *compact)[1]
    with np.load(path) as archive:
        codes = archive["codes"].tobytes()
    path.write_bytes(path.read_bytes().replace(codes, codes[::-1], 1))
    assert "building it" not in ask(workspace, capsys, *compact)[1]
    found, said = ask(workspace, capsys, *compact, "--verify")
    assert set(found) == set(exact) and "its digest does not match its content); building it" in said
    found, said = ask(workspace, capsys, *method, "--vectors", "float32")
    assert found == exact and ("was built with" in said) == (method[1] != "exact")


def test_evaluation_compares_compact_vectors_with_the_model_s(workspace, capsys):
    assert main_modes(["--mode", "evaluate", *flags(workspace), "--vectors", "int8"]) == 0
    report = json.loads((workspace / "output" / "search.json").read_text())
    assert report["method"] == "exact" and "int8" in report["index"] and report["recall@10"] > 0.99


@pytest.mark.parametrize("method", [LSH, IVF])
def test_target_recall_says_what_it_chose(workspace, capsys, method):
    found, said = ask(workspace, capsys, *method, "--target_recall", "0.95")
    assert len(found) == 10 and "--target_recall 0.95: " in said and "recall@10 " in said
    assert "nothing to tune" in ask(workspace, capsys, "--target_recall", "0.9")[1]


def test_evaluation_reports_the_loss_against_exact(workspace, capsys):
    assert main_modes(["--mode", "evaluate", *flags(workspace), *IVF]) == 0
    report = json.loads((workspace / "output" / "search.json").read_text())
    assert report["method"] == "ivf" and report["questions"] == 60 and report["recall@10"] > 0.9
    metrics = json.loads((workspace / "output" / "metrics.json").read_text())["metrics"]
    # Half ranks of ties aside, exact search by lists is the evaluation by ranks.
    assert report["exact"]["hit_rate@10"] == pytest.approx(metrics["hit_rate@10"], abs=0.02)
    assert report["metrics"]["mrr@10"] == pytest.approx(report["exact"]["mrr@10"], abs=0.05)
    shown = capsys.readouterr().out
    assert f"search by ivf: WeakANDIndex(40 x {PLANTED_DIM}" in shown and "difference" in shown


def test_export_writes_the_index_that_was_asked_for(workspace, capsys):
    folder = workspace / "output" / "embeddings"
    assert main_modes(["--mode", "export", *flags(workspace)]) == 0
    assert not list(folder.glob("index-*"))
    assert main_modes(["--mode", "export", *flags(workspace), *IVF]) == 0
    assert f"index-ivf.npz WeakANDIndex(40 x {PLANTED_DIM}" in capsys.readouterr().out
    embeddings = np.load(folder / "embeddings.npy")
    index = WeakANDIndex.load(folder / "index-ivf.npz", fingerprint(embeddings, np.arange(40)))
    assert index.search(embeddings[3], 1).ids.tolist() == [3]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([*LSH, "--lsh_tables", "3"], "--lsh_tables 3 must divide --lsh_bits 64"),
        (["--target_recall", "1.5"], "must be a number above 0 and at most 1, got '1.5'"),
        (["--ivf_factor", "0"], "must be a whole number at least 1, got '0'"),
        (["--lsh_bits", "100000"], "at most 8192"),
    ],
)
def test_wrong_flags_are_one_line_and_exit_2(workspace, capsys, argv, message):
    if "--lsh_tables" in argv:
        assert message in refused(capsys, main_inference, [*flags(workspace), *argv])
        return
    with pytest.raises(SystemExit) as left:
        main_inference([*flags(workspace), *argv])
    assert left.value.code == 2 and message in capsys.readouterr().err


def test_search_metrics_by_hand():
    embeddings = np.eye(4, dtype=np.float32) + 0.5 * np.eye(4, dtype=np.float32)[[1, 2, 3, 0]]
    index = ExactIndex().build(embeddings, np.arange(4))
    # Film 0 is nearest to itself, then to 1 and 3, then to 2. The first question masks film 0 and asks
    # for 2, behind both of the others; the second masks 1 as well and asks for 3, its own mask aside.
    mask_ptr, mask_movies = np.array([0, 1, 4]), np.array([0, 0, 1, 3])
    questions = Queries(
        "next_item", np.array([0, 1]), np.array([0, 0]), np.array([2, 3]), mask_ptr, mask_movies
    )
    metrics = search_metrics(index, embeddings, questions)
    assert metrics == {"hit_rate@10": 1.0, "mrr@10": pytest.approx((1 / 3 + 1) / 2)}
