"""Which method to choose: paired comparisons between results."""

from crossfare.compare.contests import Contest, contests

__all__ = ["Contest", "contests"]
