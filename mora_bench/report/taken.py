"""The samples that a mask took something from, as files of scores say it."""

from mora_bench.cells.missing import EACH
from mora_bench.records.schema import Setting

#: How `presence.realised` names the share of samples that never had a modality.
NATURALLY = "naturally_without_"


def taken(setting: Setting, pattern: str) -> float:
    """The share of samples that a mask took something from; NaN if the file does not say.

    Files from before it was stored say it of each modality. There, where modalities are missing in turn, a sample loses
    one of them; where a set is missing, it loses all of the set.
    """
    shares = setting.realised
    if "lost" in shares:
        return shares["lost"]
    modalities = [name.removeprefix(NATURALLY) for name in shares if name.startswith(NATURALLY)]
    if not modalities:
        return float("nan")
    lost = [shares[f"without_{name}"] - shares[f"{NATURALLY}{name}"] for name in modalities]
    return min(round(max(lost) if "+" in pattern else sum(lost), 9), 1.0)


def able(setting: Setting, pattern: str) -> bool:
    """Whether a mask could take something from some sample, which keeps a modality; True if the file does not say.

    A mask that can and took nothing, in one of several seeds, tests complete data; left out, its column would be a mean
    over other seeds than the rest of its row.
    """
    never = {name.removeprefix(NATURALLY): v == 1 for name, v in setting.realised.items() if name.startswith(NATURALLY)}
    there = [name for name, none in never.items() if not none]
    return not never or (len(there) > 1 and (pattern == EACH or bool({*there} & {*pattern.split("+")})))
