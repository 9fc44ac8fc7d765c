"""How much each modality tells of what a patient has: the noise of both twins.

Every finding has a modality of its own. Of a finding that is there, its own modality tells with probability OWN, the
other one, independently, with probability OTHER. So neither alone tells everything, and both together tell more.
"""

OWN, OTHER = 0.9, 0.25


def telling(primary: bool, clarity: float | None) -> float:
    """The probability that a modality tells of a finding that is there; `primary`: whether it is the finding's own;
    `clarity`, where given, is the probability of both."""
    return clarity if clarity is not None else OWN if primary else OTHER
