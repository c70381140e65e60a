"""PinSage against the baselines: intervals over users, groups of films by popularity, report and chart."""

from utils.benchmark.bootstrap import Estimate
from utils.benchmark.comparison import PINSAGE, Comparison, Contestant, compare
from utils.benchmark.popularity import Group, popularity_groups

__all__ = ["PINSAGE", "Comparison", "Contestant", "Estimate", "Group", "compare", "popularity_groups"]
