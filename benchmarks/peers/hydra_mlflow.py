"""What many write by hand: Hydra for the configuration, MLflow's fluent calls in the loop."""

import sys
import time

import hydra
import mlflow
import torch

from .common import BATCH, MODE, ROWS, STEPS, first_step_done, mlp, steps_done, table

sys.argv = sys.argv[:1]


@hydra.main(config_path=None, version_base="1.3")
def main(config) -> None:
    inputs, target = table()
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    with mlflow.start_run():
        mlflow.log_params({"lr": 1e-3})
        begin, done = time.perf_counter(), 0
        while done < STEPS:
            order = torch.randperm(ROWS)
            for first in range(0, ROWS, BATCH):
                rows = order[first : first + BATCH]
                optimizer.zero_grad()
                loss = torch.nn.functional.binary_cross_entropy_with_logits(
                    model(inputs[rows]), target[rows]
                )
                loss.backward()
                optimizer.step()
                done += 1
                if MODE == "first":
                    first_step_done()
                if done % 10 == 0:
                    mlflow.log_metric("loss", loss.item(), step=done)
        steps_done(time.perf_counter() - begin, done)


main()
