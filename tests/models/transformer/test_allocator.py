"""That large pieces go back to the system, in a process of its own: malloc's settings are the process's."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

HELD = """
import os
import sys
import numpy as np
from models.transformer.allocator import return_large_pieces

def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

done = return_large_pieces() if sys.argv[1] == "set" else True
np.ones(8 << 20, np.uint8)  # freed at once: from here on glibc would take pieces of this size from its heap
before = resident()
pieces = [np.ones(2 << 20, np.uint8) for _ in range(60)]
del pieces[::2]
print(done, (resident() - before) >> 20)
"""


def held(how: str, **environment: str) -> tuple[bool, int]:
    """Whether it was done, and the MiB that 30 of 60 pieces of 2 MiB hold."""
    told = subprocess.run(
        [sys.executable, "-c", HELD, how], check=True, capture_output=True, text=True, env=environment or None
    )
    done, mib = told.stdout.split()
    return done == "True", int(mib)


def test_what_is_freed_is_given_back() -> None:
    done, mib = held("set")
    if not done:
        pytest.skip("no glibc")
    assert 50 < mib < 80
    assert held("leave")[1] > 100


def test_a_threshold_of_the_user_stays() -> None:
    done, _ = held("set", MALLOC_MMAP_THRESHOLD_="131072")
    assert not done
