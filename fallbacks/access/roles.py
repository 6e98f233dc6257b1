"""What people may do."""

from enum import StrEnum


class Role(StrEnum):
    """reviewer: works items. operator: also groups of items and cancelling. admin: also people."""

    REVIEWER = "reviewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)
