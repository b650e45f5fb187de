"""The store takes only what it can vouch for, and notices every change."""

import json

import pytest

from models_hub.specs import BaseModel, Failure
from models_hub.training.cli import main
from models_hub.training.failures import JobFailed
from models_hub.training.hub import add_from_hub, slug_of
from models_hub.training.store import Store, StoreError, seal


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    with store.new_model("tiny") as folder:
        fill(folder)
        seal(folder, model_id="tiny", repo="example/tiny", revision="v1")
    return store


def fill(folder, **config):
    settings = {"architectures": ["LlamaForCausalLM"], **config}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")


def wanted(revision="v1", name="tiny"):
    return BaseModel(id=name, revision=revision, repo=None)


def test_a_sealed_model_is_handed_to_a_job(store):
    model = store.fetch_for_job(wanted())
    assert (model.kind, model.repo, model.revision) == ("chat", "example/tiny", "v1")
    assert store.fetch_for_job(wanted(revision=None)).digest == model.digest


def test_what_the_agent_tells_names_no_path(store):
    facts = store.read("tiny").public()
    assert str(store.root) not in json.dumps(facts)
    assert facts["bytes"] == sum(
        path.stat().st_size for path in (store.root / "tiny").iterdir() if path.name != "store.json"
    )


def test_a_model_that_is_not_there_is_a_typed_failure(store):
    with pytest.raises(JobFailed, match="does not hold the base model other") as failed:
        store.fetch_for_job(wanted(name="other"))
    assert failed.value.failure is Failure.MODEL_MISSING


def test_another_revision_is_refused(store):
    with pytest.raises(JobFailed, match="in revision v1, the job asks for v2"):
        store.fetch_for_job(wanted(revision="v2"))


@pytest.mark.parametrize(
    ("name", "content"), [("model.safetensors", b"weightz"), ("config.json", b'{"architectures": ["X"]}')]
)
def test_a_changed_file_is_refused(store, name, content):
    (store.root / "tiny" / name).write_bytes(content)
    with pytest.raises(JobFailed, match="are not those that were put there") as failed:
        store.fetch_for_job(wanted())
    assert name in failed.value.detail


def test_a_file_that_was_added_later_is_refused(store):
    (store.root / "tiny" / "added_tokens.json").write_text("{}")
    with pytest.raises(JobFailed) as failed:
        store.fetch_for_job(wanted())
    assert failed.value.detail == "added_tokens.json is not part of the sealed model."


@pytest.mark.parametrize("name", ["pytorch_model.bin", "optimizer.pt", "weights.pkl", "modeling_tiny.py"])
def test_pickles_and_programs_are_no_part_of_a_model(tmp_path, name):
    fill(tmp_path)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(StoreError, match="does not belong in a model"):
        seal(tmp_path, model_id="tiny", repo=None, revision=None)


def test_a_model_that_needs_code_of_its_own_is_refused(tmp_path):
    fill(tmp_path, auto_map={"AutoModel": "modeling.Tiny"})
    with pytest.raises(StoreError, match="needs Python code of its own"):
        seal(tmp_path, model_id="tiny", repo=None, revision=None)


def test_a_link_out_of_the_store_is_refused(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    fill(folder)
    (folder / "vocab.json").symlink_to("/etc/passwd")
    with pytest.raises(StoreError, match="does not belong"):
        seal(folder, model_id="tiny", repo=None, revision=None)


def test_without_a_revision_the_content_names_itself(tmp_path):
    fill(tmp_path)
    seal(tmp_path, model_id="tiny", repo=None, revision=None)
    facts = json.loads((tmp_path / "store.json").read_text())
    assert facts["revision"] == facts["digest"][:16]


def test_an_unfinished_model_never_appears(store):
    with pytest.raises(RuntimeError), store.new_model("second") as folder:
        fill(folder)
        raise RuntimeError("killed in mid-way")
    assert [model.id for model in store.models()] == ["tiny"]
    assert sorted(path.name for path in store.root.iterdir()) == ["tiny"]


def test_what_a_killed_builder_left_is_swept(store):
    (store.root / ".second.abc").mkdir()
    with store.new_model("second") as folder:
        fill(folder)
        seal(folder, model_id="second", repo=None, revision=None)
    assert sorted(path.name for path in store.root.iterdir()) == ["second", "tiny"]


def test_a_model_is_never_replaced_in_silence(store):
    with pytest.raises(StoreError, match="already holds tiny"), store.new_model("tiny"):
        pass


@pytest.mark.parametrize("name", ["../tiny", ".tiny", "a/b", ""])
def test_a_name_stays_inside_the_store(store, name):
    with pytest.raises(StoreError), store.new_model(name):
        pass
    with pytest.raises(StoreError):
        store.read(name)


def test_a_folder_copied_by_hand_is_adopted(store, capsys):
    (store.root / "copied").mkdir()
    fill(store.root / "copied")
    assert main(["store", "adopt", "--store", str(store.root), "copied", "--repo", "example/copied"]) == 0
    assert json.loads(capsys.readouterr().out)["repo"] == "example/copied"
    assert main(["store", "check", "--store", str(store.root)]) == 0


def test_the_check_finds_the_damaged_model(store, capsys):
    (store.root / "tiny" / "model.safetensors").write_bytes(b"")
    assert main(["store", "check", "--store", str(store.root), "tiny"]) == 1
    assert "model.safetensors was changed" in capsys.readouterr().out


def test_the_hub_is_closed_unless_the_site_opens_it(store, monkeypatch, capsys):
    monkeypatch.delenv("OPEN_PAAS_ALLOW_HUB", raising=False)
    assert main(["store", "add", "--store", str(store.root), "owner/name", "--revision", "a" * 40]) == 1
    assert "OPEN_PAAS_ALLOW_HUB=1" in capsys.readouterr().err


def test_a_branch_is_no_revision(store, monkeypatch):
    monkeypatch.setenv("OPEN_PAAS_ALLOW_HUB", "1")
    with pytest.raises(StoreError, match="full commit"):
        add_from_hub(store, "owner/name", revision="main", model_id=None)


def test_a_repository_gets_a_name_for_the_store():
    assert slug_of("utter-project/EuroLLM-1.7B-Instruct") == "eurollm-1.7b-instruct"
