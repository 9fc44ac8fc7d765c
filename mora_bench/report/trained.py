"""How the cells of a table were trained, in words: which were cut short, and in which precision."""

import pandas as pd

#: Marks a row some of whose cells were cut short.
CUT_SHORT = "†"


def cut_short(group: pd.DataFrame) -> str:
    """What the mark of rows that were cut short means, and how many cells were."""
    trained = group[group["cut_short"].notna()]
    short = trained[trained["cut_short"].astype(bool)]
    if short.empty:
        return ""
    caps = " or ".join(f"{epochs:g}" for epochs in sorted(set(short["recipe.epochs"])))
    return (
        f" {CUT_SHORT}: training was cut short: the best validation lies in the last fifth of at most {caps} epochs, "
        f"in {len(short)} of {len(trained)} cells."
    )


def in_precision(networks: pd.DataFrame) -> str:
    """The precisions of networks that were trained in another one than fp32."""
    if "recipe.precision" not in networks:
        return ""
    found = sorted(set(networks["recipe.precision"].dropna()))
    return f", trained in {' or '.join(found)}" * (found != ["fp32"])
