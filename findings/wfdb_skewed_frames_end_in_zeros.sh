#!/bin/sh
# What one would expect: the header of a WFDB record may say that a channel is skewed, stored so many frames late, and
#   wfdb.rdrecord brings such channels together "to account for sample skew". At the end of the channel nothing is left
#   to be moved there: those samples are NaN. So it is where a frame holds one sample of the channel.
# What happens: where a frame holds several, only as many samples as the skew has frames are NaN. The others are digital
#   0. Of a channel at a constant 1 mV with 4 samples a frame, a skew of 3 frames and a baseline of 1024 the last 12
#   samples are 9 times -5.12 mV and 3 times NaN. With smooth_frames=True, the default, each frame is the mean of its
#   samples, and its end is -5.12 mV twice, and once what the mark of a missing sample makes of it. Nothing is raised
#   or printed, and checksums are not asked.
# Where: _skew_sig of wfdb/io/_signal.py shifts by skew times the samples of a frame, and then marks as many as the skew.
# Versions: wfdb 4.3.1, numpy 2.4.6, pandas 2.3.3, Python 3.11. Seen on 2026-12-01.
# Why it matters here: multi-frame records are how a polysomnography holds an ECG beside slow channels. The spike at the
#   end of each record is the largest value in it, and so decides its scale, its peaks and whether it looks like an
#   arrhythmia; records of a device without skew have none. mora_bench reads such channels itself.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet wfdb==4.3.1 numpy==2.4.6 pandas==2.3.3
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import wfdb

FRAMES, SKEW, GAIN, BASELINE = 50, 3, 200, 1024


def read(samples, **options):
    """A channel at a constant 1 mV, with so many samples a frame, stored SKEW frames late: its last values."""
    np.full(FRAMES * samples, GAIN + BASELINE, "<i2").tofile("r.dat")
    form = f"16:{SKEW}" if samples == 1 else f"16x{samples}:{SKEW}"
    with open("r.hea", "w") as header:
        header.write(f"r 1 100 {FRAMES}\nr.dat {form} {GAIN}({BASELINE})/mV 16 {BASELINE} {GAIN + BASELINE} 0 0 ECG\n")
    record = wfdb.rdrecord("r", **options)
    values = record.p_signal[:, 0] if options.get("smooth_frames", True) else record.e_p_signal[0]
    assert len(values) == FRAMES * (1 if options.get("smooth_frames", True) else samples)
    lacking = SKEW * (1 if options.get("smooth_frames", True) else samples)
    assert np.allclose(values[:-lacking], 1), "what was stored is not 1 mV"
    return values[-lacking:]


one, four, smooth = read(1), read(4, smooth_frames=False), read(4)
print("wfdb", wfdb.__version__)
print("1 sample a frame, the end of the channel, mV:        ", one, "as expected")
print("4 samples a frame, the end of the channel, mV:       ", four, "expected: 12 times nan")
print("4 samples a frame, each frame its mean, the end, mV: ", smooth, "expected: 3 times nan")
spike = -BASELINE / GAIN
as_seen = (
    np.isnan(one).all()
    and np.allclose(four[:9], spike)
    and np.isnan(four[9:]).all()
    and np.allclose(smooth[:2], spike)
    and not np.isnan(smooth[2])
)
print("as seen" if as_seen else "this is no longer so")
sys.exit(0 if as_seen else 1)
PYTHON
venv/bin/python seen.py
