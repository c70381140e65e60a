"""PinSage against the baselines: intervals over users, groups of films by popularity, report and chart."""

from evaluation.comparison.bootstrap import Estimate
from evaluation.comparison.popularity import PopularityGroup, popularity_groups
from evaluation.comparison.protocol import Contestant, ProtocolComparison, compare
from report.names import PINSAGE

__all__ = [
    "PINSAGE",
    "ProtocolComparison",
    "Contestant",
    "Estimate",
    "PopularityGroup",
    "compare",
    "popularity_groups",
]
