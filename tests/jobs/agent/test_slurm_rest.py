# ruff: noqa: F811 (fixtures of the other file)
"""The way in by slurmrestd, on a real site: no command of Slurm's is used."""

from pathlib import Path

import pytest

from jobs.agent.backends import backend_for
from jobs.agent.backends.base import Ended
from jobs.agent.backends.slurm_doctor import findings
from jobs.agent.backends.slurm_reasons import SlurmTrouble
from tests.jobs.agent.test_backends import KEY, order, submit
from tests.jobs.agent.test_slurm_pair import ended, image  # noqa: F401 (fixtures)
from tests.jobs.agent.workshop import Workshop, eventually
from tests.jobs.scene import AT

pytestmark = pytest.mark.slurm


@pytest.fixture
def rest(rest_options, slurm_pair, tmp_path):
    shop = Workshop(tmp_path / "rest", url="http://localhost:1")
    shop.agent_table, shop.options = {"backend": "slurm"}, rest_options
    shop.write()
    yield backend_for(shop.config), shop
    slurm_pair.ask("scancel", "--user=root", fails=True)
    eventually(lambda: not slurm_pair.ask("squeue", "-h"), seconds=60)


def test_a_job_handed_over_by_slurmrestd_is_what_it_is_by_sbatch(rest, slurm_pair):
    """v0.0.38 says exit code 0 of this very job in its accounting; the controller's word and the receipt do not."""
    backend, shop = rest
    native = submit(backend, order("crash", gpus=2))
    assert backend.submit(order("crash", gpus=2)) == native
    status = ended(backend)
    assert (status.ended, status.exit_code, status.native_id) == (Ended.EXITED, 3, native)
    (row,) = backend.usage([KEY])
    name = shop.options["prefix"] + KEY
    assert (row.gpus, row.cluster) == (2, slurm_pair.name)
    # sacct leaves out what began in this very second.
    eventually(lambda: row.gpu_seconds == slurm_pair.gpu_seconds(name), seconds=10, note=lambda: str(row))
    assert [one.exit_code for one in backend.slurm.queue()[name]] == [3]
    said = slurm_pair.ask("scontrol", "show", "job", native)
    assert "gres/gpu=2" in said and "Deadline=N/A" not in said
    about = backend.availability()
    assert [(one["name"], one["gpus_total"], one["max_seconds"]) for one in about["partitions"]] == [
        ("gpu", 8, 86400), ("short", 8, 600),
    ]  # fmt: skip


def test_the_doctor_looks_at_budgets_images_and_tokens(rest, slurm_pair, image):
    _backend, shop = rest
    options, digest, file = image
    tools = {"bin": "", "budgets": True, **options}
    shop.options = {**shop.options, **tools}
    shop.write()
    # A folder below /tmp is not taken for a shared one, and rightly.
    assert [said for good, said in findings(shop.config) if not good and "login and compute" not in said] == []
    file.write_bytes(b"another image")
    Path(shop.options["token_file"]).chmod(0o644)
    wrong = [said for good, said in findings(shop.config) if not good and "login and compute" not in said]
    assert len(wrong) == 2
    assert "readable for its owner only" in wrong[0]
    assert digest[:19] in wrong[1]


@pytest.mark.long
def test_a_warning_that_slurmrestd_cannot_ask_for_the_wrapper_gives_itself(rest, monkeypatch):
    backend, shop = rest
    monkeypatch.setattr("jobs.agent.backends.slurm.SlurmBackend._minutes", lambda *_: (1, False))
    shop.options = {**shop.options, "signal_seconds": 57}
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order("endless"))
    assert ended(backend).ended == Ended.TIME_LIMIT
    assert (backend.stage(KEY, "out") / "artefacts" / "manifest.json").exists()


def test_a_token_that_is_no_longer_good_is_called_so(rest, slurm_pair):
    backend, shop = rest
    token = Path(shop.options["token_file"])
    good = token.read_text()
    token.write_text("eyJhbGciOiJIUzI1NiJ9.e30.no")
    asked = (lambda: submit(backend, order()), backend.slurm.nodes, lambda: backend.slurm.accounting(["x"], AT))
    for question in asked:  # the accounting answers with an empty list, which is none
        with pytest.raises(SlurmTrouble) as caught:
            question()
        assert (caught.value.reason.code, caught.value.refused) == ("token_refused", False)
    token.write_text(good)
    backend.submit(order())
    assert ended(backend).exit_code == 0


@pytest.mark.long
def test_a_controller_that_is_away_is_not_taken_for_a_bad_token(rest, slurm_pair):
    backend, _shop = rest
    backend.describe()
    slurm_pair.stop("slurmctld", kill=True)
    with pytest.raises(SlurmTrouble) as caught:
        submit(backend, order())
    assert (caught.value.reason.code, caught.value.refused) == ("controller_down", False)
    slurm_pair.all_run()


@pytest.mark.long
def test_a_slurmrestd_that_is_away_is_tried_again(rest, slurm_pair):
    backend, _shop = rest
    slurm_pair.stop("slurmrestd")
    with pytest.raises(SlurmTrouble) as caught:
        backend.submit(order())
    assert (caught.value.reason.code, backend.describe()["gpus_free"]) == ("rest_down", 0)
    slurm_pair.start("slurmrestd")
    submit(backend, order())
    assert ended(backend).exit_code == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "code"), [({"account": "nobodys"}, "account_unknown"), ({"qos": "gold"}, "qos_unknown")]
)
def test_what_slurmrestd_refuses_for_good_has_the_same_reasons(rest, options, code):
    _backend, shop = rest
    shop.options = {**shop.options, **options}
    shop.write()
    backend = backend_for(shop.config)
    submit(backend, order())
    status = ended(backend)
    assert (status.ended, status.reason.code) == (Ended.REFUSED, code)
