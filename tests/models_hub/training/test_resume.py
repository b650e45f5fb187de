"""A run that is killed, stopped or started twice: one result, the same as without the accident."""

import os
import signal

import pytest

from models_hub.training.files import sha256_of

pytestmark = [pytest.mark.training, pytest.mark.faults]

ADAPTER = "adapter/adapter_model.safetensors"


def last_step(run):
    return max((event["step"] for event in run.events("metrics")), default=0)


def checkpoints_of(run):
    return [event["step"] for event in run.events("checkpoint")]


@pytest.mark.parametrize(
    "kind",
    [{"epochs": 30}, {"recipe": "classify", "method": "encoder", "epochs": 3, "save_every": 3}],
    ids=["chat", "encoder"],
)
def test_killed_in_mid_run_it_goes_on_to_the_very_same_result(make_run, kind):
    unbroken = make_run("unbroken", **kind).go()
    assert unbroken.code == 0, unbroken.log
    broken = make_run("broken", **kind)
    process = broken.start()
    broken.wait_for(process, lambda: checkpoints_of(broken))
    process.kill()
    assert broken.finish(process).code == -signal.SIGKILL
    assert not (broken.out / "result.json").exists()
    killed_at = max(checkpoints_of(broken))

    assert broken.go().code == 0, broken.log
    assert killed_at <= broken.events("progress")[-1]["resumed_from"] < broken.result["steps"]["planned"]
    assert broken.result["after"] == unbroken.result["after"]
    assert broken.result["before"] == unbroken.result["before"]
    assert broken.result["samples"] == unbroken.result["samples"]
    weights = ADAPTER if broken.result["recipe"] == "chat" else "model/model.safetensors"
    assert sha256_of(broken.artefacts / weights) == sha256_of(unbroken.artefacts / weights)
    curves = [
        {
            (point["step"], name): point[name]
            for point in run.events("metrics")
            for name in ("loss", "validation_loss")
            if name in point
        }
        for run in (broken, unbroken)
    ]
    assert curves[0] == curves[1]
    assert broken.result["measured"]["attempts"] == 2
    assert [event["seq"] for event in broken.events()] == list(range(1, len(broken.events()) + 1))


def test_killed_while_a_checkpoint_was_written_it_goes_on_from_the_one_before(make_run):
    run = make_run(epochs=30)
    process = run.start()
    run.wait_for(process, lambda: len(checkpoints_of(run)) >= 2)
    process.kill()
    run.finish(process)
    complete = sorted(
        (run.out / "work").glob("checkpoint-*/complete.json"), key=lambda path: int(path.parent.name[11:])
    )
    complete[-1].unlink()
    assert run.go().code == 0, run.log
    expected = int(complete[-2].parent.name[11:]) if len(complete) > 1 else None
    assert run.events("progress")[-1]["resumed_from"] == expected


def test_a_stop_file_ends_the_run_after_the_step_and_keeps_the_work(make_run):
    run = make_run(epochs=1000, save_every=50)
    process = run.start()
    run.wait_for(process, lambda: last_step(run) >= 2)
    (run.out / "STOP").touch()
    assert run.finish(process).code == 0, run.log
    result = run.result
    assert result["state"] == "stopped"
    assert 2 <= result["steps"]["done"] < result["steps"]["planned"]
    assert result["after"] is None
    assert result["before"]["loss"] > 0
    assert (run.artefacts / ADAPTER).exists()
    assert "**Unfinished.**" in (run.artefacts / "README.md").read_text()
    assert checkpoints_of(run)[-1] == result["steps"]["done"]
    assert [event["state"] for event in run.events("state")][-2:] == ["stopping", "stopped"]


def test_a_stopped_run_is_not_taken_up_again(make_run):
    run = make_run()
    run.out.mkdir()
    (run.out / "STOP").touch()
    assert run.go().code == 0, run.log
    assert run.result["state"] == "stopped"
    (run.out / "STOP").unlink()
    lines = len(run.events())
    assert run.go().code == 0
    assert (run.result["state"], len(run.events())) == ("stopped", lines)


def test_a_term_signal_is_a_stop(make_run):
    run = make_run(epochs=1000, save_every=50)
    process = run.start()
    run.wait_for(process, lambda: last_step(run) >= 2)
    process.send_signal(signal.SIGTERM)
    assert run.finish(process).code == 0, run.log
    assert run.result["state"] == "stopped"
    assert (run.artefacts / "manifest.json").exists()


def test_two_processes_never_work_in_one_folder(make_run):
    run = make_run(epochs=1000, save_every=50)
    process = run.start()
    run.wait_for(process, lambda: last_step(run) >= 1)
    second = run.start()
    assert second.wait(600) == 75
    assert process.poll() is None
    os.kill(process.pid, signal.SIGTERM)
    assert run.finish(process).code == 0
    assert "Another process is already working" in run.log
