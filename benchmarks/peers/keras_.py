"""Keras on its torch backend."""

import os
import time

os.environ["KERAS_BACKEND"] = "torch"

import keras

from .common import BATCH, FEATURES, ROWS, STEPS, WIDTH, first_step_done, steps_done, table


class Clock(keras.callbacks.Callback):
    steps = 0

    def on_train_begin(self, logs=None):
        self.begin = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        first_step_done()
        if self.steps == STEPS:
            steps_done(time.perf_counter() - self.begin, STEPS)


inputs, target = table()
model = keras.Sequential(
    [
        keras.Input((FEATURES,)),
        keras.layers.Dense(WIDTH, "relu"),
        keras.layers.Dense(WIDTH, "relu"),
        keras.layers.Dense(1),
    ]
)
model.compile("adamw", keras.losses.BinaryCrossentropy(from_logits=True))
model.fit(
    inputs.numpy(), target.numpy(), batch_size=BATCH, epochs=2 + STEPS * BATCH // ROWS,
    callbacks=[Clock()], verbose=0,
)  # fmt: skip
