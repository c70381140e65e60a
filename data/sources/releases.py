"""The MovieLens releases: where each lies, what its archive holds, how to tell that it is whole."""

from dataclasses import dataclass

BASE_URL = "https://files.grouplens.org/datasets/movielens/"

CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
    "https://doi.org/10.1145/2827872"
)
LICENCE = (
    "MovieLens data belong to GroupLens, University of Minnesota: free for research with acknowledgement, "
    "no commercial use without their permission, redistribution restricted. "
    "The terms differ between releases; the README in the release is what binds."
)

_DATA = ("u.data", "u.item")
_DAT = ("ratings.dat", "movies.dat")
_CSV = ("ratings.csv", "movies.csv")
_GENOME = ("genome-scores.csv", "genome-tags.csv")


@dataclass(frozen=True)
class Release:
    """One release as GroupLens ships it.

    Attributes:
        name: the name people use, and the stem of the archive.
        folder: the folder inside the archive that holds everything.
        required: files that make it this release; the first says the format.
        optional: files worth keeping where an archive has them.
        md5: digest published beside the archive; None where GroupLens regenerates the archive from
            time to time, so that only the digest of the day is right.
    """

    name: str
    folder: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    md5: str | None = None

    @property
    def url(self) -> str:
        """Address of the archive."""
        return f"{BASE_URL}{self.name}.zip"

    @property
    def md5_url(self) -> str:
        """Address of the digest that GroupLens publishes beside the archive."""
        return f"{self.url}.md5"


RELEASES = {
    release.name: release
    for release in (
        Release("ml-100k", "ml-100k", _DATA, ("README",), "0e33842e24a9c977be4e0107933c0723"),
        Release("ml-latest-small", "ml-latest-small", _CSV, ("tags.csv", "README.txt")),
        Release("ml-1m", "ml-1m", _DAT, ("README",), "c4d9eecfca2ab87c1945afe126590906"),
        Release(
            "ml-10m", "ml-10M100K", _DAT, ("tags.dat", "README.html"), "ce571fd55effeba0271552578f2648bd"
        ),
        Release(
            "ml-20m",
            "ml-20m",
            _CSV,
            ("tags.csv", *_GENOME, "README.txt"),
            "cd245b17a1ae2cc31bb14903e1204af3",
        ),
        Release(
            "ml-25m",
            "ml-25m",
            _CSV,
            ("tags.csv", *_GENOME, "README.txt"),
            "6b51fb2759a8657d3bfcbfc42b592ada",
        ),
        Release(
            "ml-32m", "ml-32m", _CSV, ("tags.csv", "README.txt"), "d472be332d4daa821edc399621853b57"
        ),
    )
}  # fmt: skip
