"""What a score can be: those that none of our metrics gives are refused, as in a file that was edited."""

#: Scores of ours that lie between 0 and 1.
BOUNDED = {
    "f1_macro", "f1_micro", "f1_per_class", "f1_macro_seen", "f1_macro_tuned", "f1_macro_weighted", "auroc", "map",
    "accuracy", "balanced_accuracy", "precision_at_recall_90", "specificity_at_recall_90", "calibration_error",
}  # fmt: skip

Score = int | float | list[float | None] | None


def check_range(scores: dict[str, Score], pattern: str) -> None:
    """Refuse a score that none of our metrics gives, as in a file that was edited.

    Raises:
        ValueError: the name of the score and its value.
    """
    for name, value in scores.items():
        if name not in BOUNDED:
            continue
        for one in value if isinstance(value, list) else (value,):
            if one is not None and (one < 0 or one > 1):
                raise ValueError(f"{name} with {pattern} missing is {value}; expected 0 to 1")
        if name == "f1_macro" and value is None and scores.get("n"):
            raise ValueError(f"{name} with {pattern} missing is no number")
