"""The `losslab` command itself, timed from inside: nothing is left out, a clock is put in.

`train` is timed without validation and checkpoints, which the bare loop does not do either; the
losses are measured, journalled and sent to MLflow all the same.
"""

import sys
import time

from .common import MODE, first_step_done, steps_done


def main() -> None:
    from losslab.training import loop, step

    train, train_epoch = step.EagerStep.train, loop.Loop._train_epoch
    spent = [0.0, 0]

    def timed_train(self, *arguments):
        values = train(self, *arguments)
        first_step_done()
        return values

    def timed_epoch(self, flag):
        begin = time.perf_counter()
        train_epoch(self, flag)
        spent[0] += time.perf_counter() - begin
        spent[1] += self.steps_per_epoch
        if self.progress.epoch + 1 == self.config.epochs:
            steps_done(*spent)

    if MODE == "first":
        step.EagerStep.train = timed_train
    else:
        loop.Loop._train_epoch = timed_epoch
    from losslab.cli.main import main as losslab

    sys.argv = ["losslab", "train", "-q", *sys.argv[2:]]
    losslab()


main()
