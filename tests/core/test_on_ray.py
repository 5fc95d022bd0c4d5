"""Descriptions composed by several workers of Ray Data."""

import pytest

pytest.importorskip("tokenizers")

from tiny_llama import write_orderly_llama

from midigpt import events
from midigpt.compose.on_ray import RayWriter, main

PROMPTS = ["A slow waltz for piano", "Loud drums and bass", "x", "120 BPM", "y", "z"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_orderly_llama(tmp_path_factory.mktemp("llama"), pace=30)


def test_a_writer_gives_each_prompt_its_pieces(folder):
    writer = RayWriter(str(folder), "native", 2, 7, 30)
    rows = writer({"id": [3, 4], "prompt": PROMPTS[:2]})
    assert rows["prompt"] == [PROMPTS[0]] * 2 + [PROMPTS[1]] * 2
    assert len(set(rows["seed"])) == 4
    assert all(len(events.from_midi(midi)) == 10 for midi in rows["midi"])
    alone = RayWriter(str(folder), "native", 2, 7, 30)({"id": [4], "prompt": PROMPTS[1:2]})
    assert alone["midi"] == rows["midi"][2:]  # whoever writes it


def test_errors_are_one_line(tmp_path, folder, capsys):
    pytest.importorskip("ray")
    (tmp_path / "none.txt").write_text("\n")
    for prompts, options, message in (
        ("none.txt", [], "has no prompts"),
        ("missing.txt", [], "missing.txt"),
        ("none.txt", ["--workers", "0"], "--workers is 0"),
    ):
        command = ["--model", str(folder), "--prompts_file", str(tmp_path / prompts)]
        assert main([*command, "-o", str(tmp_path / "out"), *options]) == 2
        errors = capsys.readouterr().err
        assert message in errors and errors.count("\n") == 1


@pytest.mark.nightly
def test_two_local_workers_write_all(tmp_path, folder, capsys):
    ray = pytest.importorskip("ray")
    pq = pytest.importorskip("pyarrow.parquet")
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n".join(PROMPTS))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        code = main(
            ["--model", str(folder), "--prompts_file", str(prompts), "--workers", "2",
             "--max_tokens", "30", "--n_outputs", "2", "-o", str(tmp_path / "out")]
        )  # fmt: skip
    finally:
        ray.shutdown()
    assert code == 0 and "12 pieces" in capsys.readouterr().out
    table = pq.read_table(tmp_path / "out").to_pydict()
    assert sorted(table["prompt"]) == sorted(PROMPTS * 2)
    assert len(set(table["seed"])) == 12
    assert all(len(events.from_midi(midi)) == 10 for midi in table["midi"])
