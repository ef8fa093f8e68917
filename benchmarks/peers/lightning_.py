"""Lightning, with `MLFLOW=1` its MLflow logger."""

import logging
import os
import time
import warnings

import lightning
import torch
from torch.utils.data import DataLoader, TensorDataset

from .common import BATCH, STEPS, first_step_done, mlp, steps_done, table

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = mlp()
        self.steps, self.begin = 0, 0.0

    def on_train_start(self):
        self.begin = time.perf_counter()

    def training_step(self, batch, index):
        inputs, target = batch
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.model(inputs), target)
        self.log("loss", loss)
        return loss

    def on_train_batch_end(self, outputs, batch, index):
        self.steps += 1
        first_step_done()
        if self.steps == STEPS:
            steps_done(time.perf_counter() - self.begin, STEPS)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


logger = False
if os.environ.get("MLFLOW"):
    from lightning.pytorch.loggers import MLFlowLogger

    logger = MLFlowLogger(tracking_uri="sqlite:///mlflow.db")
loader = DataLoader(TensorDataset(*table()), batch_size=BATCH, shuffle=True)
trainer = lightning.Trainer(
    max_steps=STEPS + 1, max_epochs=-1, logger=logger, accelerator="cpu",
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    log_every_n_steps=10,
)  # fmt: skip
trainer.fit(Module(), loader)
