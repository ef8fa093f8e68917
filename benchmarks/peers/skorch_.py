"""skorch."""

import time

import skorch
import torch

from .common import BATCH, ROWS, STEPS, first_step_done, mlp, steps_done, table


class Clock(skorch.callbacks.Callback):
    steps = 0

    def on_train_begin(self, net, **kwargs):
        self.begin = time.perf_counter()

    def on_batch_end(self, net, training, **kwargs):
        self.steps += 1
        first_step_done()
        if self.steps == STEPS:
            steps_done(time.perf_counter() - self.begin, STEPS)


inputs, target = table()
net = skorch.NeuralNet(
    mlp(), torch.nn.BCEWithLogitsLoss, optimizer=torch.optim.AdamW, lr=1e-3, batch_size=BATCH,
    max_epochs=2 + STEPS * BATCH // ROWS, train_split=None, verbose=0, callbacks=[Clock()],
    iterator_train__shuffle=True,
)  # fmt: skip
net.fit(inputs, target)
