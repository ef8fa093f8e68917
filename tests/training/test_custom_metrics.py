import pytest
import sklearn.metrics
import torch
import torchmetrics
from losslab.data.spec import Spec
from losslab.errors import UserError
from losslab.training.custom_metrics import metric_nodes, task_metrics
from losslab.training.report import Report
from losslab.training.run import run
from small_runs import job

BINARY = Spec((3,), "binary", 1)
LABELS = Spec((3,), "multilabel", 4)
CLASSES = Spec((3,), "classes", 5)
REAL = Spec((3,), "real", 2, offset=(1.0, 2.0), scale=(3.0, 0.5))
PIXELS = Spec((1, 6, 6), "binary", 1, dense=True)


def batches(spec, seed=0, sizes=(7, 20, 3)):
    """Batches of targets and of a model's answers to them."""
    random = torch.Generator().manual_seed(seed)
    for size in sizes:
        space = spec.input_shape[1:] if spec.dense else ()
        answer = torch.randn(size, spec.outputs, *space, generator=random)
        if spec.target == "classes":
            target = torch.randint(spec.outputs, (size, *space), generator=random)
        elif spec.target == "real":
            target = answer + torch.randn(answer.shape, generator=random)
        else:
            target = (answer + torch.randn(answer.shape, generator=random) > 0).float()
        yield {spec.main_output: answer}, {"target": target}


def checked(spec, asked):
    """Check metrics as it is done before training."""
    outputs, batch = next(batches(spec))
    metrics = task_metrics(asked, spec, outputs, None)()
    metrics.update(outputs, batch)
    metrics.check()


def measured(spec, asked, ignore_index=None):
    given = list(batches(spec))
    metrics = task_metrics(asked, spec, given[0][0], ignore_index)()
    for outputs, batch in given:
        metrics.update(outputs, batch)
    answer = torch.cat([outputs[spec.main_output] for outputs, _ in given])
    return metrics.compute(), answer, torch.cat([batch["target"] for _, batch in given])


def test_beside_the_tasks_own():
    alone, *_ = measured(BINARY, None)
    both, *_ = measured(BINARY, ["sklearn.metrics.matthews_corrcoef"])
    assert both.keys() - alone.keys() == {"matthews_corrcoef"}
    assert {name: both[name] for name in alone} == alone


def test_what_the_task_measures_too_agrees_with_scikit_learn():
    asked = {
        "a": "sklearn.metrics.accuracy_score",
        "r": "sklearn.metrics.roc_auc_score",
        "k": "sklearn.metrics.cohen_kappa_score",
    }
    values, answer, target = measured(BINARY, asked)
    assert values["a"] == pytest.approx(values["accuracy"])
    assert values["r"] == pytest.approx(values["auroc"])
    assert values["k"] == pytest.approx(
        sklearn.metrics.cohen_kappa_score(target.numpy(), (answer > 0).numpy())
    )


@pytest.mark.parametrize("spec", [BINARY, LABELS, CLASSES, PIXELS])
def test_torchmetrics_gets_the_sizes_it_asks_for(spec):
    values, answer, target = measured(spec, {"own": "torchmetrics.Accuracy"})
    task = "multiclass" if spec.target == "classes" else spec.target
    sizes = {"num_classes": spec.outputs, "num_labels": spec.outputs}
    score = answer.softmax(1) if task == "multiclass" else answer.sigmoid()
    expected = torchmetrics.Accuracy(task=task, **sizes)(score, target.long())
    assert values["own"] == pytest.approx(expected.item())


def test_scores_go_where_scores_are_asked_for():
    values, answer, target = measured(
        CLASSES,
        {"auc": {"_target_": "sklearn.metrics.roc_auc_score", "multi_class": "ovr"}},
    )
    expected = sklearn.metrics.roc_auc_score(target, answer.softmax(1), multi_class="ovr")
    assert values["auc"] == pytest.approx(expected, abs=1e-6)


def test_a_former_name_of_probabilities_is_no_answer():
    values, answer, target = measured(BINARY, ["sklearn.metrics.log_loss"])
    expected = torch.nn.functional.binary_cross_entropy_with_logits(answer, target)
    assert values["log_loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_real_numbers_in_units_of_the_data():
    values, answer, target = measured(REAL, ["sklearn.metrics.mean_absolute_error"])
    scale = torch.tensor(REAL.scale)
    assert values["mean_absolute_error"] == pytest.approx(
        ((answer - target) * scale).abs().mean().item(), rel=1e-6
    )


def test_what_does_not_count_is_left_out():
    asked = ["sklearn.metrics.balanced_accuracy_score"]
    given = list(batches(CLASSES))
    for _, batch in given:
        batch["target"][::3] = -1
    metrics = task_metrics(asked, CLASSES, given[0][0], -1)()
    for outputs, batch in given:
        metrics.update(outputs, batch)
    target = torch.cat([batch["target"] for _, batch in given])
    answer = torch.cat([outputs["logits"] for outputs, _ in given]).argmax(1)
    kept = target >= 0
    expected = sklearn.metrics.balanced_accuracy_score(target[kept], answer[kept])
    assert metrics.compute()["balanced_accuracy_score"] == pytest.approx(expected)


def test_a_users_function_names_what_it_wants(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def doubt(preds, target):\n    return (preds - target.float()).abs().mean()\n")
    values, answer, target = measured(BINARY, [f"{file}:doubt"])
    expected = (answer.sigmoid() - target).abs().mean().item()
    assert values["doubt"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("spec", [BINARY, LABELS, CLASSES, REAL, PIXELS])
def test_the_check_lets_pass_what_can_be_computed(spec):
    path = "mean_absolute_error" if spec is REAL else "accuracy_score"
    checked(spec, [f"sklearn.metrics.{path}"])


@pytest.mark.parametrize(
    ("spec", "asked", "text"),
    [
        (BINARY, 3, r"trainer\.metrics must be paths.*got 3"),
        (BINARY, [{"a": 1}], "must be paths"),
        (BINARY, {"a": 1}, "must be paths"),
        (BINARY, ["sklearn.metrics.acuracy_score"], "Did you mean accuracy_score"),
        (BINARY, ["sklearn.metrics.zero_one_los"], "Did you mean zero_one_loss"),
        (BINARY, ["math.hypot"], "does not tell its parameters|must name two"),
        (BINARY, ["math.pi"], "is not a function"),
        (BINARY, ["sklearn.metrics.max_error", "./a.py:max_error"], "two called max_error"),
        (BINARY, ["fractions.Fraction"], "has no update and compute"),
        (BINARY, {"f1": "sklearn.metrics.f1_score"}, "f1 is measured already"),
        (BINARY, ["sklearn.metrics.roc_curve"], "roc_curve gives a tuple, and one number"),
        (CLASSES, ["sklearn.metrics.f1_score"], r"f1_score can't be computed: .*average"),
        (LABELS, {"a": "torchmetrics.MeanSquaredError"}, "less of it is better.* a_error"),
        (
            BINARY,
            {"my_error": "torchmetrics.classification.BinaryAccuracy"},
            "more of it is better",
        ),
        (
            BINARY,
            {"b": {"_target_": "sklearn.metrics.fbeta_score", "bta": 2}},
            r"unknown key trainer\.metrics\.b\.bta.*Did you mean trainer\.metrics\.b\.beta",
        ),
        (
            CLASSES,
            {"a": {"_target_": "torchmetrics.Accuracy", "average": "none"}},
            r"gives a Tensor of shape \(5,\), and one number.*average=macro",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_before_training(spec, asked, text):
    with pytest.raises(UserError, match=text):
        checked(spec, asked)


def test_a_task_without_target_has_none():
    outputs = {"reconstruction": torch.zeros(2, 3)}
    with pytest.raises(UserError, match="this task has none: it is judged by mse"):
        task_metrics(["sklearn.metrics.accuracy_score"], BINARY, outputs, None)()


def test_names_of_paths():
    asked = ["./my.py:Score", "torchmetrics.classification.BinaryAUROC"]
    assert list(metric_nodes(asked)) == ["score", "binary_auroc"]
    assert metric_nodes(None) == {}


def test_a_metric_that_cannot_judge_a_constant_is_left_out_there(workdir):
    (workdir / "mine.py").write_text(
        "def spread(y_true, y_score):\n    return 1 / int(y_score.min() < y_score.max())\n"
    )
    shown = {}

    class Shown(Report):
        def summary(self, facts):
            shown.update(facts)

    one = job(workdir, "run", "trainer.metrics=[./mine.py:spread]")
    assert run(one.config, one.run_dir, Shown()).metrics["test/spread"] == 1
    assert "accuracy" in shown["trivial"]
    assert "spread" not in shown["trivial"]
