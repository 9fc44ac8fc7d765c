"""The samples that a mask took something from, as files of scores say it."""

from mora_bench.records.schema import Setting

#: How `presence.realised` names the share of samples that never had a modality.
NATURALLY = "naturally_without_"


def taken(setting: Setting, pattern: str) -> float:
    """The share of samples that a mask took something from; NaN if the file does not say.

    Where modalities are missing in turn, a sample loses one of them; where a set is missing, it loses all of the set.
    """
    shares = setting.realised
    modalities = [name.removeprefix(NATURALLY) for name in shares if name.startswith(NATURALLY)]
    if not modalities:
        return float("nan")
    lost = [shares[f"without_{name}"] - shares[f"{NATURALLY}{name}"] for name in modalities]
    return round(max(lost) if "+" in pattern else sum(lost), 9)
