"""check: whether something of one's own keeps its contract."""

from dataclasses import dataclass

import tyro

from mora_bench import registry
from mora_bench.cli.common import OnData
from mora_bench.cli.options import parse
from mora_bench.errors import UserError


@dataclass(frozen=True, kw_only=True)
class CheckOptions(OnData):
    """Try every rule of its contract on something that has a name, in seconds."""

    name: tyro.conf.Positional[str]
    """a name from `list`, or of a plug-in"""


def run(arguments: list[str]) -> int:
    options = parse(CheckOptions, "check", arguments)
    options.begin()
    name, _, argument = options.name.partition(":")
    if argument and registry.known(registry.TASKS, name):
        # The argument is checked here; the rules are tried with one that the task names itself.
        registry.made(registry.TASKS, options.name)
    else:
        name = options.name
    groups = [group for group in registry.GROUPS if name in registry.names(group)]
    if not groups:
        known = [name for group in registry.GROUPS for name in registry.names(group)]
        raise UserError(
            f"nothing is called {options.name!r}; known: {', '.join(known)}."
            f"{registry.did_you_mean(options.name, known)}"
        )
    from mora_bench.checks.run import check

    broken = 0
    for group in groups:
        for rule, problem in check(group, name, options.data_root):
            print(f"{'ok    ' if problem is None else 'BROKEN'}  {rule}" + (f"\n        {problem}" if problem else ""))
            broken += problem is not None
    verdict = "every rule is kept." if not broken else f"{broken} rule{'s are' if broken > 1 else ' is'} broken."
    print(f"{options.name}: {verdict}")
    return 1 if broken else 0
