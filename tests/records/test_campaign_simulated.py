"""A long campaign in a few seconds: real leases, simulated workers, deaths and time."""

import heapq
import random
from collections import Counter, deque

from conftest import EVERYTHING

from mora_bench.records import leases
from mora_bench.records.leases import Holder, Leases

CELLS, WORKERS = (100_000, 1000) if EVERYTHING else (20_000, 200)
#: Seconds: a cell's mean, between checkpoints, until a dead worker's place is filled, between looks at others' cells.
CELL, CHECKPOINT, REPLACED, LOOK = 600.0, 300.0, 300.0, 10.0
#: The share of workers that die in an hour.
DYING = 0.01


class Campaign:
    """Workers on machines of their own, of which others know nothing but what their leases say; time is a number."""

    def __init__(self, folder, monkeypatch):
        self.now = 0.0
        self.folder = folder
        self.chance = random.Random(0)
        self.leases = Leases(folder)
        self.left = deque(f"{number:016x}"[::-1] for number in range(CELLS))
        self.length = {key: self.chance.expovariate(1 / CELL) for key in self.left}
        self.saved = dict.fromkeys(self.left, 0.0)
        self.recorded: Counter[str] = Counter()
        self.orphans: list[str] = []
        self.spent = self.lost = 0.0
        self.deaths = self.serial = 0
        self.events: list = []
        monkeypatch.setattr(leases.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(leases, "_me", self.somebody)

    def somebody(self):
        """A holder on another machine; its number tells its claims apart."""
        return Holder("far", "another machine", self.serial, 1.0, f"{self.serial}")

    def after(self, seconds, what, *about):
        self.serial += 1
        heapq.heappush(self.events, (self.now + seconds, self.serial, what, about))

    def run(self):
        for _ in range(WORKERS):
            self.after(0.0, self.start)
        self.after(LOOK, self.look)
        while self.events:
            self.now, _, what, about = heapq.heappop(self.events)
            what(*about)

    def start(self):
        if not self.left:
            # What is held by the dead may still come back.
            if len(self.recorded) < CELLS:
                self.after(LOOK, self.start)
            return
        key = self.left.popleft()
        lease = self.leases.claim(key)
        assert lease is not None
        ahead, dies = self.length[key] - self.saved[key], self.chance.expovariate(DYING / 3600)
        self.spent += min(ahead, dies)
        if dies < ahead:
            done = self.saved[key] + dies
            self.saved[key] = max(done // CHECKPOINT * CHECKPOINT, self.saved[key])
            self.lost += done - self.saved[key]
            self.after(dies, self.die, key)
        else:
            self.after(ahead, self.end, key, lease)

    def end(self, key, lease):
        assert not lease.lost
        self.recorded[key] += 1
        lease.release()
        self.start()

    def die(self, key):
        """The lease stays, as its holder cannot remove it."""
        self.deaths += 1
        self.orphans.append(key)
        self.after(REPLACED, self.start)

    def look(self):
        """A grid looks at cells that others hold, and takes over those whose holders show no life."""
        folder = self.folder / "leases"
        held = {key: sorted((folder / key[:2]).glob(f"{key}.*"), key=leases._generation) for key in self.orphans}
        free = [key for key in self.orphans if self.leases.free(key, held)]
        self.left.extendleft(free)
        self.orphans = [key for key in self.orphans if key not in free]
        if len(self.recorded) < CELLS:
            self.after(LOOK, self.look)


def test_a_campaign_on_hundreds_of_workers_that_die(tmp_path, monkeypatch):
    """Nothing is recorded twice, nothing is forgotten, and less than 2 % of the work is lost."""
    campaign = Campaign(tmp_path, monkeypatch)
    campaign.run()
    assert len(campaign.recorded) == CELLS
    assert set(campaign.recorded.values()) == {1}
    assert campaign.deaths > CELLS // 1000
    assert campaign.lost / campaign.spent < 0.02
    assert not [file for file in (tmp_path / "leases").rglob("*") if file.is_file()]
