"""How tables write dates."""

import re

#: The beginnings of months' names, English and German.
_MONTH = "(?:jan|feb|mar|mär|mrz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*[.]?"
#: A date as ISO 8601, with points, with strokes, or with the name of a month, which a time may follow.
DATE = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{1,4}/\d{1,2}/\d{1,4}"
    rf"|\d{{1,2}}[-./ ]*{_MONTH}[-./, ]*\d{{2,4}}|{_MONTH}[- ]*\d{{1,2}},? *\d{{4}}"
    rf"|\d{{4}}[-/ ]?{_MONTH}[-/ ]?\d{{1,2}})([T :].*)?",
    re.IGNORECASE,
)
#: A date from 1900 to 2199 as hospitals' systems write it (TS of HL7 version 2): 20200728, 20200728103000.5+0200. A
#: column of numbers with gaps may have been written with .0 at the end of each.
HL7 = re.compile(
    r"((?:19|20|21)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    r"(?:([01][0-9]|2[0-3])(?:([0-5][0-9])([0-5][0-9](?:\.[0-9]{1,6})?)?)?)?(?:\.0)?([+-][0-9]{4})?"
)
