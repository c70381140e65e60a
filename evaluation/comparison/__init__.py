"""PinSage against the baselines: intervals over users, groups of films by popularity, report and chart."""

from evaluation.comparison.bootstrap import Estimate
from evaluation.comparison.comparison import PINSAGE, Comparison, Contestant, compare
from evaluation.comparison.popularity import Group, popularity_groups

__all__ = ["PINSAGE", "Comparison", "Contestant", "Estimate", "Group", "compare", "popularity_groups"]
