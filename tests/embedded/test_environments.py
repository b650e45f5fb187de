"""The virtual environments: which Python, which build of torch, and when nothing is to be done."""

import subprocess
import sys

import pytest

from portal.embedded import environments
from portal.embedded.environments import Environment, SetupError, brings_cuda, check_interpreter, fingerprint


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_the_three_supported_pythons_are_taken(version):
    check_interpreter(version, has_module=lambda name: True)


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 14)])
def test_another_python_is_refused_with_the_way_out(version):
    with pytest.raises(SetupError, match=r"3\.11, 3\.12 or 3\.13.*make run PYTHON="):
        check_interpreter(version, has_module=lambda name: True)


def test_a_missing_venv_module_names_the_package():
    with pytest.raises(SetupError, match=r"apt-get install python3\.12-venv"):
        check_interpreter((3, 12), has_module=lambda name: name != "ensurepip")


def test_the_fingerprint_follows_content_and_interpreter(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1")
    before = fingerprint([lock], "3.11")
    assert fingerprint([lock], "3.11") == before
    assert fingerprint([lock], "3.12") != before
    lock.write_text("a==2")
    assert fingerprint([lock], "3.11") != before


def test_cuda_is_seen_in_what_pip_would_install():
    def report(*names):
        return {"install": [{"metadata": {"name": name}} for name in names]}

    assert brings_cuda(report("torch", "nvidia-cublas-cu12"))
    assert brings_cuda(report("torch", "triton"))
    assert not brings_cuda(report("torch", "sympy", "filelock"))


class RecordingEnvironment(Environment):
    """Notes what would be installed."""

    def __init__(self, folder, *, report):
        super().__init__(folder, label="test")
        self.report = report
        self.calls = []

    def pip(self, *arguments, doing):
        self.calls.append(arguments)
        if "--report" in arguments:
            from pathlib import Path

            Path(arguments[arguments.index("--report") + 1]).write_text(self.report)

    def call(self, command, doing):
        self.calls.append(tuple(command))


def test_a_machine_without_a_gpu_never_takes_the_cuda_build(tmp_path, monkeypatch):
    monkeypatch.delenv("OPEN_PAAS_TORCH", raising=False)
    monkeypatch.setattr(environments, "has_nvidia_gpu", lambda: False)
    environment = RecordingEnvironment(tmp_path, report='{"install": [{"metadata": {"name": "nvidia-nccl-cu12"}}]}')
    environments.install_torch(environment, tmp_path / "torch.txt")
    assert "--torch-backend=cpu" in environment.calls[-1]
    plain = [call for call in environment.calls if str(tmp_path / "torch.txt") in call and "--dry-run" not in call]
    assert plain == [environment.calls[-1]]


def test_a_machine_with_a_gpu_takes_what_pip_chooses(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "has_nvidia_gpu", lambda: True)
    environment = RecordingEnvironment(tmp_path, report="")
    environments.install_torch(environment, tmp_path / "torch.txt")
    assert environment.calls == [("install", "--quiet", "-r", str(tmp_path / "torch.txt"))]


def test_everything_but_torch_is_installed_by_hash(tmp_path, monkeypatch):
    environment = RecordingEnvironment(tmp_path, report="")
    monkeypatch.setattr(environment, "create", lambda: None)
    lock = environments.REQUIREMENTS / "portal.txt"
    environments._install_closure(environment, [lock], "portal", "mark")
    assert {"--require-hashes", "--no-deps", str(lock)} <= set(environment.calls[0])


def test_a_moved_environment_is_made_anew(tmp_path):
    environment = Environment(tmp_path / "env", label="test")
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    environment.record("portal", "mark")
    assert not environment.is_current("portal", "mark")


def test_a_failing_installer_becomes_one_sentence(tmp_path):
    environment = Environment(tmp_path, label="test")
    script = "import sys; print('WARNING: noise', file=sys.stderr); sys.exit('ERROR: No matching distribution found')"
    with pytest.raises(SetupError, match=r"^Could not install it: No matching distribution found$"):
        environment.call([sys.executable, "-c", script], "install it")


def test_without_the_sites_environment_the_portal_still_starts(monkeypatch, capsys):
    def fail():
        raise SetupError("no torch for this machine")

    monkeypatch.setitem(environments.PARTS, "site", fail)
    monkeypatch.setitem(environments.PARTS, "portal", lambda: None)
    assert environments.build(["portal", "site"]) == 0
    assert "going on without the embedded training site" in capsys.readouterr().err


def test_without_a_ray_everything_else_goes_on(monkeypatch, capsys):
    def fail():
        raise SetupError("no wheel for this machine")

    monkeypatch.setitem(environments.PARTS, "ray", fail)
    monkeypatch.setitem(environments.PARTS, "portal", lambda: None)
    assert environments.build(["portal", "ray"]) == 0
    assert "its tests are skipped" in capsys.readouterr().err


def test_without_the_portals_environment_nothing_starts(monkeypatch, capsys):
    def fail():
        raise SetupError("no network")

    monkeypatch.setitem(environments.PARTS, "portal", fail)
    assert environments.build(["portal"]) == 1
    assert "no network" in capsys.readouterr().err


def test_the_set_up_script_needs_the_standard_library_only():
    script = environments.ROOT / "portal" / "embedded" / "environments.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["portal", "dev", "site", "demo", "tools", "ray"])
def test_lock_files_pin_every_package_by_hash_and_name_no_address(name):
    text = (environments.REQUIREMENTS / f"{name}.txt").read_text()
    pinned = [line for line in text.splitlines() if "==" in line and not line.startswith(("#", " "))]
    assert pinned and all(line.rstrip().endswith("\\") for line in pinned)
    assert "://" not in text


def test_torch_is_in_no_lock_of_the_portal():
    for name in ("portal", "dev"):
        assert "\ntorch==" not in (environments.REQUIREMENTS / f"{name}.txt").read_text()
