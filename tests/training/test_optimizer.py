"""Optimizers that do not bring torch's compiler along."""

import subprocess
import sys

import pytest
import torch
from losslab.training.optimizer import spare_the_compiler, stepper

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1, fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_update_is_the_one_of_step(name):
    def trained(steps):
        torch.manual_seed(0)
        model = torch.nn.Linear(3, 2)
        optimizer = OPTIMIZERS[name](model.parameters())
        update = steps(optimizer)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(4, 3)).square().sum().backward()
            update()
        return model.weight

    assert torch.equal(trained(stepper), trained(lambda optimizer: optimizer.step))


def test_the_update_of_another_packages_optimizer_is_its_own_step():
    class Counting(torch.optim.SGD):
        steps = 0

        def step(self, closure=None):
            self.steps += 1
            return super().step(closure)

    optimizer = Counting(torch.nn.Linear(1, 1).parameters(), lr=0.1)
    stepper(optimizer)()
    assert optimizer.steps == 1


def test_marking_twice_is_marking_once():
    spare_the_compiler()
    spare_the_compiler()
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    assert optimizer.state_dict() == state


def test_training_imports_no_compiler(workdir):
    code = """
import sys, losslab
losslab.train(["model=mlp", "trainer.epochs=1", "tracking=none", "trainer.device=cpu"])
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=workdir).returncode == 0
