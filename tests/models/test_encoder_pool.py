"""One encoder in several processes: the vectors of one process, whatever the texts and the number of processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ccpairs.errors import UserError
from models import encoder_pool
from models.encoder_pool import EncoderPool
from models.encoders import Encoder, Role, load_encoder
from models.static.encoder import static_encoder
from models.static.tokenizer import train_tokenizer
from tests.models.transformer.tiny_bert import texts, write_tiny_bert
from tests.signalled import signal_when

TEXTS = [*texts(1_100, 0), "", "Ünïcödé ❤ عربى", "a\x00b", "lone \ud800 surrogate", "long " * 5_000]


@pytest.fixture(scope="module", params=["static", "transformer"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pool") / str(request.param)
    if request.param == "transformer":
        return write_tiny_bert(place)
    static_encoder(train_tokenizer(texts(50, 0)), 8).save(place)
    return place


@pytest.fixture(scope="module")
def alone(folder: Path) -> Encoder:
    return load_encoder(folder)


@pytest.fixture(scope="module")
def pool(folder: Path) -> Iterator[EncoderPool]:
    with EncoderPool(partial(load_encoder, folder), processes=2) as pool:
        yield pool


@pytest.mark.parametrize("role", ["query", "passage"])
def test_vectors_and_facts_are_those_of_one_process(pool: EncoderPool, alone: Encoder, role: Role) -> None:
    assert (pool.dimension, pool.fingerprint) == (alone.dimension, alone.fingerprint)
    np.testing.assert_allclose(pool.encode(TEXTS, role), alone.encode(TEXTS, role), atol=1e-6)


def test_chunks_hold_each_text_once_the_longest_first() -> None:
    chunks = encoder_pool._chunks(TEXTS)
    sizes = [len(TEXTS[place]) for chunk in chunks for place in chunk]
    assert sizes == sorted(map(len, TEXTS), reverse=True)
    assert sorted(np.concatenate(chunks).tolist()) == list(range(len(TEXTS)))
    assert max(map(len, chunks)) == encoder_pool.CHUNK
    by_characters = [sum(len(TEXTS[place]) for place in chunk[:-1]) for chunk in chunks]
    assert max(by_characters) < encoder_pool.CHUNK_CHARACTERS


def test_no_text_is_no_vector(pool: EncoderPool) -> None:
    assert pool.encode([], "query").shape == (0, pool.dimension)


def test_the_number_of_processes_changes_no_bit(pool: EncoderPool, folder: Path) -> None:
    assert len(TEXTS) > 2 * encoder_pool.CHUNK
    with EncoderPool(partial(load_encoder, folder), processes=3) as other:
        assert np.array_equal(pool.encode(TEXTS, "query"), other.encode(TEXTS, "query"))


def test_a_folder_without_a_model_is_told_as_in_one_process(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model here"):
        EncoderPool(partial(load_encoder, tmp_path), processes=2)


class Told:
    """Of each text: how many cores its process may use, and whether it sees a GPU. Ends its process on demand."""

    dimension, fingerprint = 2, "told"

    def encode(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        if "kill me" in texts:
            os.kill(os.getpid(), signal.SIGKILL)
        told = [len(os.sched_getaffinity(0)), os.environ["CUDA_VISIBLE_DEVICES"] != ""]
        return np.array([told] * len(texts), np.float32)


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_each_process_has_its_share_of_the_cores_and_no_gpu(processes: int) -> None:
    all_cores = len(os.sched_getaffinity(0))
    with EncoderPool(Told, processes) as pool:
        found = pool.encode([""] * (20 * encoder_pool.CHUNK), "query")
    shares = {len(share) for share in np.array_split(np.arange(all_cores), processes)}
    assert set(found[:, 0].astype(int).tolist()) <= {share or all_cores for share in shares}
    assert not found[:, 1].any()


def test_as_many_processes_as_cores_unless_told() -> None:
    with EncoderPool(Told) as pool:
        assert pool.processes == len(os.sched_getaffinity(0))


def test_a_process_that_is_killed_ends_in_one_line() -> None:
    with EncoderPool(Told, 2) as pool, pytest.raises(UserError, match=r"^one of 2 encoding processes died.*fewer"):
        pool.encode(["kill me"], "query")


SCRIPT = """
import sys
from functools import partial
from pathlib import Path
from ccpairs.command_line import exit_code
from models.encoder_pool import EncoderPool
from models.encoders import load_encoder

def command(argv):
    with EncoderPool(partial(load_encoder, Path(argv[0])), processes=2) as pool:
        while True:
            pool.encode(["a text"] * 600, "query")
            Path(argv[1]).touch()

if __name__ == "__main__":
    sys.exit(exit_code(command, sys.argv[1:], "type it again"))
"""


def test_a_signal_ends_the_processes_without_a_word(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "encode.py"
    script.write_text(SCRIPT)
    ended = signal_when((tmp_path / "ready").exists, [script, folder, tmp_path / "ready"], signal.SIGINT, to_group=True)
    assert ended[:4] == (130, "", "ccpairs: interrupted; type it again\n", [])


def test_the_processes_end_with_a_parent_that_is_killed(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "encode.py"
    script.write_text(SCRIPT)
    ended = signal_when((tmp_path / "ready").exists, [script, folder, tmp_path / "ready"], signal.SIGKILL)
    assert ended.code == -signal.SIGKILL
    ended.wait_for_survivors()
