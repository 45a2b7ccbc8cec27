"""The error of a plan that cannot be carried out."""


class PlanError(ValueError):
    """A plan is wrong or was changed; the message names the key and the remedy."""
