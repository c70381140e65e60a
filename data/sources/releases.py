"""The MovieLens releases: where each lies, what its archive contains, how to tell that it is whole."""

from dataclasses import dataclass

from data.reading.formats import CSV, DAT, U_DATA, ReleaseFormat

BASE_URL = "https://files.grouplens.org/datasets/movielens/"

CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
    "https://doi.org/10.1145/2827872"
)
LICENCE = (
    "MovieLens data belong to GroupLens, University of Minnesota: free for research with acknowledgement, "
    "no commercial use without their permission, redistribution restricted. "
    "The terms differ between releases; the README in each release has the binding ones."
)


@dataclass(frozen=True)
class Release:
    """One release as GroupLens ships it.

    Attributes:
        name: the name people use, and the stem of the archive's file name.
        format: how its files are written.
        readme: the file with its terms.
        md5: digest published beside the archive; None where GroupLens makes the archive anew from time to
            time, so that only the digest of the day is right.
        inside: the folder inside the archive that has all files; ``name`` if empty.
    """

    name: str
    format: ReleaseFormat
    readme: str
    md5: str | None = None
    inside: str = ""

    @property
    def folder(self) -> str:
        """The folder inside the archive that has all files."""
        return self.inside or self.name

    @property
    def url(self) -> str:
        """Address of the archive."""
        return f"{BASE_URL}{self.name}.zip"

    @property
    def md5_url(self) -> str:
        """Address of the digest that GroupLens publishes beside the archive."""
        return f"{self.url}.md5"


# ``config.py`` repeats the names, since it imports nothing.
RELEASES = {
    release.name: release
    for release in (
        Release("ml-100k", U_DATA, "README", "0e33842e24a9c977be4e0107933c0723"),
        Release("ml-latest-small", CSV, "README.txt"),
        Release("ml-1m", DAT, "README", "c4d9eecfca2ab87c1945afe126590906"),
        Release("ml-10m", DAT, "README.html", "ce571fd55effeba0271552578f2648bd", "ml-10M100K"),
        Release("ml-20m", CSV, "README.txt", "cd245b17a1ae2cc31bb14903e1204af3"),
        Release("ml-25m", CSV, "README.txt", "6b51fb2759a8657d3bfcbfc42b592ada"),
        Release("ml-32m", CSV, "README.txt", "d472be332d4daa821edc399621853b57"),
    )
}
