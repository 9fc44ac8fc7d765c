"""Schedules of the learning rate: a factor of the peak rate for each step, counted from 0."""

from mora_bench.cells.recipe import LINEAR, Recipe


class LinearSchedule:
    """As published: linear warm-up, then linear decay to 0 at the end of all epochs, which it must know."""

    def __init__(self, end: int, warmup: int):
        self.end, self.warmup = end, warmup

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return max(self.end - step, 0) / max(self.end - self.warmup, 1)


class Plateau:
    """Linear warm-up, a constant rate for as long as `fall` is not called, then a linear decay to 0 of fixed length
    (Zhai et al. 2022, arXiv 2106.04560; Haegele et al. 2024, arXiv 2405.18392).

    Until the decay begins nothing hangs on the cap. There it begins without being asked, so that it ends with it.

    Attributes:
        warmup, decay: their steps; falls_after: the steps after which the decay begins.
    """

    def __init__(self, cap: int, warmup: int, decay: int):
        self.warmup, self.decay = warmup, decay
        self.falls_after = cap - decay

    @property
    def end(self) -> int:
        """The steps after which training ends: a decay after it began."""
        return self.falls_after + self.decay

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        return 1.0 if step < self.falls_after else max(self.end - step, 0) / max(self.decay, 1)


def schedule_of(recipe: Recipe, steps: int) -> LinearSchedule | Plateau:
    """The schedule of a recipe whose epochs have so many steps."""
    cap = recipe.epochs * steps
    if recipe.schedule == LINEAR:
        return LinearSchedule(cap, max(round(recipe.warmup * cap), 1))
    warmup = min(max(round(recipe.warmup_epochs * steps), 1), cap)
    return Plateau(cap, warmup, min(round(recipe.decay_epochs * steps), cap - warmup))
