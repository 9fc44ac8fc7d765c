"""Groups of samples by their predicted risk, as files of scores hold them."""

import msgspec


class RiskGroups(msgspec.Struct, kw_only=True):
    """Predicted and observed risks of groups of samples, the lowest predicted risk first (`Task.risk_groups`)."""

    times: list[float]
    horizons: list[float]
    n: list[int]
    predicted: list[list[float]]
    observed: list[list[float]]
