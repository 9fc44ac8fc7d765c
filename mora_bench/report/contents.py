"""What a record says of the contents of its modalities, in words."""

from mora_bench.data.modalities.unread import unread
from mora_bench.records.schema import Record


def pictures(record: Record) -> str:
    """The size in which a network sees each modality of pictures, in words; "" where none is seen or known."""
    phrases = []
    for name, facts in (record.data.contents if record.data else {}).items():
        if "canvas" in facts:
            height, width = facts["canvas"]
            phrases.append(f"{name} {height} x {width}")
        if "tokens a picture" in facts:
            phrases.append(f"{name} {facts['tokens a picture']} tokens a picture")
    return ", ".join(phrases)


def signals(record: Record) -> str:
    """The share of each signal that was measured, and that gaps leave, in words; "" where there is none."""
    phrases = []
    for name, facts in (record.data.contents if record.data else {}).items():
        said = {"measured": f"of the values of {name} were measured", "left": f"are left by gaps {record.cell.gaps}"}
        said["left in tests"] = f"are left in tests, by gaps {record.cell.test_gaps}"
        if "measured" in facts:
            phrases.append(", and ".join(f"{100 * facts[n]:.0f} % {words}" for n, words in said.items() if n in facts))
    return "; ".join(phrases)


def texts(record: Record) -> str:
    """What of its texts a network does not read, in words; "" where all is read or nothing is known."""
    contents = record.data.contents if record.data else {}
    return "; ".join(phrase for name, facts in contents.items() for phrase in unread(name, facts))
