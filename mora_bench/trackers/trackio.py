"""trackio: a run a cell, kept on this machine unless the library is told otherwise (TRACKIO_SPACE_ID)."""

import os
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.text import visible
from mora_bench.trackers.contract import Run, Tracker


class Trackio(Tracker):
    title = "trackio: TRACKIO_DIR, or FOLDER/trackio; `trackio show --project NAME` shows it"

    def __init__(self, folder: Path):
        super().__init__(folder)
        # Read when the library is imported.
        os.environ.setdefault("TRACKIO_DIR", str((folder / "trackio").absolute()))

    def ready(self) -> None:
        try:
            import trackio  # noqa: F401
        except ImportError as error:
            raise UserError(f"--track trackio: {error}. pip install 'mora-bench[trackio]'.") from error

    def ended(self, run: Run) -> None:
        import trackio

        quiet = {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
        name = f"{run.label} {run.key}"
        project = visible(self.folder.absolute().name)
        trackio.init(project=project, name=name, config=run.settings, resume="allow", **quiet)
        for step, values in run.curve:
            trackio.log(dict(values), step=step)
        trackio.log(dict(run.scores), step=run.curve[-1][0] if run.curve else 0)
        trackio.finish()
