"""Every link, path and name of code in the documents leads somewhere."""

import pytest

from tests.documents.links import broken_links, missing_names, missing_paths
from tests.documents.pages import ROOT, pages, parse


@pytest.mark.parametrize("page", pages(), ids=str)
def test_links_and_paths_lead_somewhere(page):
    assert broken_links(page) == []
    assert missing_paths(page) == []
    assert missing_names(page) == []


def test_the_documents_are_all_there_and_reachable_from_the_readme():
    readme = next(page for page in pages() if page.path == ROOT / "README.md")
    reached, waiting = set(), [readme]
    while waiting:
        page = waiting.pop()
        reached.add(page.path)
        linked = {(page.path.parent / link.split("#")[0]).resolve() for link in page.links}
        waiting += [other for other in pages() if other.path in linked - reached]
    assert reached == {page.path for page in pages()}


def test_pictures_have_a_description_and_are_used():
    used = {(page.path.parent / link).resolve() for page in pages() for link in page.links}
    assert {path for path in (ROOT / "docs").glob("*.png")} <= used
    assert all("![](" not in page.prose for page in pages())


@pytest.mark.parametrize(
    ("find", "wrong", "right"),
    [
        (broken_links, "[a](docs/nowhere.md)", "[a](docs/cli.md)"),
        (broken_links, "[a](docs/cli.md#nowhere)", "[a](docs/cli.md#exit-codes)"),
        (broken_links, "# Some `code`, here\n[a](#some-code)", "# Some `code`, here\n[a](#some-code-here)"),
        (broken_links, "# A\n# A\n[a](#a-2)", "# A\n# A\n[a](#a-1)"),
        (broken_links, "![a `b` c](docs/nowhere.png)", "`[a](b)` and ![a `b` c](docs/page.png)"),
        (missing_paths, "`model/losses.py`", "`model/loss.py` and `output/metrics.json`"),
        (missing_paths, "`models/`", "`model/`"),
        (missing_paths, "`nowhere.md`", "`README.md`, `ratings.csv` and `sea/000-X`"),
        (missing_paths, "`data/datasets.py`", "`data/dataset.py` and `data/library`"),
        (missing_names, "`model/loss.py` `soft_loss`", "`model/loss.py` `softmax_loss`"),
        (missing_names, "`model/heads.py` `HEADS`, `Heads`", "[`model/heads.py`](x) `HEADS`, `SharedHead`"),
    ],
)
def test_what_leads_nowhere_is_found(find, wrong, right):
    assert find(parse(ROOT / "x.md", wrong)) != []
    assert find(parse(ROOT / "x.md", right)) == []
