"""Joins the columns of the published tables into one text per sample (as MoRA's released code does)."""


def eye_text(left: str, right: str) -> str:
    """ODIR: the keywords of both eyes."""
    return f"Left_text:{left}Right_text:{right}"


def chest_text(findings: str, impression: str) -> str:
    """Indiana CXR: the findings, then the impression."""
    return f"{findings} {impression}".strip()
