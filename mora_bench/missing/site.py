"""Missing by group: whole sites, devices or periods lack a modality, as in the records of real clinics."""

import numpy as np

from mora_bench.missing.contract import Context, Known, Mechanism


class Site(Mechanism):
    """Groups lose a modality one after the other, in random order, until the rate is reached.

    A group is all units with the same value of a covariate; without an argument, all units of a patient. The order, and
    what a group loses, is the same in training, validation and test: a hospital that lacks a modality lacks it
    everywhere, as far as the rate and the sizes of the groups on a side allow. At strength 1
    every unit of a group loses the modality, except in the last group, where chance decides which. At strength 0 every
    unit loses it by chance alone. Between 0 and 1 the two probabilities are mixed.
    """

    title = "by group: sites or periods that lack a modality"
    source = "informative absence of whole sources, e.g. arXiv 2509.17228"
    version = 2
    reads = ("covariates", "patients")
    strengths = (0.0, 1.0)
    takes = "the name of a covariate whose values are the groups, e.g. site:hospital, or nothing for patients"

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        values = context.covariates[context.argument] if context.argument else context.patients
        names, group = np.unique(np.array(list(map(str, values))), return_inverse=True)
        order = np.argsort(context.uniform_of(names.tolist(), "order"), kind="stable")
        # Each group covers an interval of rates between 0 and 1. Its length is the group's share of the units.
        sizes = np.bincount(group, minlength=len(names))[order] / len(context)
        ends = np.empty(len(names))
        ends[order] = np.cumsum(sizes)
        shares = np.empty(len(names))
        shares[order] = sizes
        group_rates = np.clip((rate - (ends - shares)) / shares, 0, 1)
        lost = np.flatnonzero(context.uniform() < strength * group_rates[group] + (1 - strength) * rate)
        # All units of a group lose the same set of modalities.
        which = (context.uniform_of(names.tolist(), "set") * len(context.taken)).astype(int)
        return context.without(lost, which[group[lost]])

    def problem(self, argument: str, known: Known) -> str | None:
        if argument and argument not in known.covariates:
            return f"it takes {self.takes}; this dataset has {', '.join(known.covariates) or 'no covariate'}"
        return None
