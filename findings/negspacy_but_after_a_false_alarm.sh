#!/bin/sh
# What one would expect: negex of negspacy follows NegEx: "no" negates what comes after it up to a word that ends its reach
#   ("but"), and a phrase that only looks like a negation ("without difficulty", "no change") negates nothing and is
#   skipped. "No cough, swallows without difficulty but has fever" has fever, as has "No cough, swallows easily
#   but has fever"; "No change no effusion" has no effusion.
# What happens: a word that stands right after such a phrase is skipped with it. The "but" is not seen, the "no" of the cough
#   reaches across it, and fever is negated; the second "no" is not seen, and the effusion is there. With a comma or
#   another word between the two, both are right. The end of a phrase is the place of the first word after it, and
#   process_negations counts that word as inside. Each of the phrases of the clinical set does this. Nothing is raised or
#   printed.
# Versions: negspacy 1.1.0, spacy 3.8.18, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: labels of chest pictures are read from reports in this way, and reports are written as these
#   examples are, often without commas. A finding that is there becomes absent, and an absent one becomes present, in
#   the labels and in the text features alike.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet negspacy==1.1.0 spacy==3.8.18 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import spacy
    from negspacy.negation import Negex  # noqa: F401
    from negspacy.termsets import termset

FINDINGS = ("fever", "cough", "effusion")
nlp = spacy.blank("en")
nlp.add_pipe("sentencizer")
nlp.add_pipe("entity_ruler").add_patterns([{"label": "FINDING", "pattern": name} for name in FINDINGS])
nlp.add_pipe("negex", config={"ent_types": ["FINDING"]})


def absent(text, name):
    return next(one._.negex for one in nlp(text).ents if one.text == name)


good = True
# text, what is asked about, whether it is absent, whether negspacy says so
for text, name, wanted, was in (
    ("No cough, swallows without difficulty but has fever.", "fever", False, True),
    ("No cough, swallows without difficulty , but has fever.", "fever", False, False),
    ("No cough, swallows easily but has fever.", "fever", False, False),
    ("No cough, there is no change but there is fever.", "fever", False, True),
    ("No change no effusion.", "effusion", True, False),
    ("No change, no effusion.", "effusion", True, True),
    ("No significant change without effusion.", "effusion", True, False),
    ("The heart is of normal size without effusion.", "effusion", True, True),
):
    seen = absent(text, name)
    print(f"{text} {name}: absent {seen}, wanted {wanted}")
    good &= seen == was
phrases = termset("en_clinical").get_patterns()["pseudo_negations"]
hidden = [phrase for phrase in phrases if not absent(f"There is {phrase} no effusion", "effusion")]
apart = [phrase for phrase in phrases if absent(f"There is {phrase} , no effusion", "effusion")]
print(f"{len(hidden)} of {len(phrases)} phrases hide a no that follows at once, {len(phrases) - len(apart)} one after a comma")
good &= len(hidden) == len(apart) == len(phrases) > 20
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py
