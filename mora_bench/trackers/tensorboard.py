"""TensorBoard: a run a cell below FOLDER/tensorboard, with its settings and scores for the HParams page."""

from mora_bench.errors import UserError
from mora_bench.trackers.contract import Run, Tracker


class TensorBoard(Tracker):
    title = "TensorBoard: FOLDER/tensorboard; `tensorboard --logdir FOLDER/tensorboard` shows it"

    def ready(self) -> None:
        try:
            from torch.utils import tensorboard  # noqa: F401
        except ImportError as error:
            raise UserError(f"--track tensorboard: {error}. pip install 'mora-bench[tensorboard]'.") from error

    def ended(self, run: Run) -> None:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.folder / "tensorboard" / run.key)) as writer:
            for step, values in run.curve:
                for name, value in values.items():
                    writer.add_scalar(name, value, step)
            writer.add_hparams(dict(run.settings), dict(run.scores), run_name=".")
