"""What the peers' sweeps share: one run of the small MLP, tracked as one would write it by hand.

Learning rate × weight decay × seed on breast cancer, batch 32, 25 epochs of 12 steps. Imports are
inside, as each peer pays for its own when it needs them.
"""

import argparse
import itertools

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
DECAYS = (0.0, 1e-4, 1e-3, 1e-2)
BATCH, EPOCHS, STEPS = 32, 25, 12


def grid(runs):
    """The values of each key for so many runs: 1, 4, 16, 64, 256, or another multiple of 8."""
    rates = RATES[: min(runs, 8)]
    decays = DECAYS[: max(1, min(runs // len(rates), 4 if runs >= 64 else 2))]
    seeds = range(runs // (len(rates) * len(decays)))
    assert len(rates) * len(decays) * len(seeds) == runs, f"{runs} runs are no grid"
    return {"lr": list(rates), "weight_decay": list(decays), "seed": list(seeds)}


def configurations(runs):
    keys = grid(runs)
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*keys.values())]


def table():
    """Standardised inputs and targets of the three splits."""
    import torch
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = load_breast_cancer(return_X_y=True)
    x, x_rest, y, y_rest = train_test_split(x, y, test_size=170, random_state=0, stratify=y)
    x_val, x_test, y_val, y_test = train_test_split(x_rest, y_rest, test_size=85, random_state=0)
    scaler = StandardScaler().fit(x)
    return [
        (torch.tensor(scaler.transform(a)).float(), torch.tensor(b).float().unsqueeze(1))
        for a, b in ((x, y), (x_val, y_val), (x_test, y_test))
    ]


def mlp():
    from torch import nn

    return nn.Sequential(
        nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )


def train(lr, weight_decay, seed, data=None, log=None, fused=None):
    """One run, untracked; `log` hears of each epoch. Returns the model and its test metrics."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_function

    torch.manual_seed(seed)
    (x, y), validation, test = data or table()
    model = mlp()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=fused)

    def evaluate(name, x, y):
        with torch.no_grad():
            logits = model(x)
        accuracy = ((logits > 0) == (y > 0.5)).float().mean()
        return {
            f"{name}/loss": loss_function(logits, y).item(),
            f"{name}/accuracy": accuracy.item(),
        }

    for epoch in range(EPOCHS):
        order, total = torch.randperm(len(x)), 0.0
        for step in range(STEPS):
            rows = order[step * BATCH : (step + 1) * BATCH]
            optimizer.zero_grad()
            loss = loss_function(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        if log is not None:
            log({"train/loss": total.item() / STEPS, **evaluate("val", *validation)}, epoch)
    return model, evaluate("test", *test)


def tracked(lr, weight_decay, seed):
    """One run, recorded in MLflow: parameters, metrics of each epoch, and the weights."""
    import tempfile

    import mlflow
    import torch

    torch.set_num_threads(1)
    mlflow.set_experiment("peers")
    with mlflow.start_run(), tempfile.TemporaryDirectory() as folder:
        mlflow.log_params({"lr": lr, "weight_decay": weight_decay, "seed": seed})
        model, metrics = train(
            lr, weight_decay, seed, log=lambda values, epoch: mlflow.log_metrics(values, epoch)
        )
        mlflow.log_metrics(metrics)
        torch.save(model.state_dict(), f"{folder}/model.pt")
        mlflow.log_artifact(f"{folder}/model.pt")
    return metrics["test/loss"]


def asked():
    """How many runs, from the command line, which Hydra then does not see."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=int)
    return parser.parse_args().runs
