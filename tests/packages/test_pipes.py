"""Do processes of our own end quietly when the one they work for is gone?"""

from __future__ import annotations

import subprocess
import sys
from typing import IO, cast

from preserve.packages import pipes

ECHO = """
import os
from preserve.packages import pipes
memory = os.memfd_create("test")
os.ftruncate(memory, 4096)
pipes.serve(memory, 4096, lambda view, message: message)
"""


def test_a_process_whose_master_was_killed_before_the_answer_ends_without_a_word() -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    orders, results, said = (cast(IO[bytes], pipe) for pipe in (worker.stdin, worker.stdout, worker.stderr))
    pipes.send(orders, ("first",))
    assert pipes.receive(results) == ("first",)
    results.close()
    pipes.send(orders, ("nobody reads this",))
    orders.close()
    assert (said.read(), worker.wait()) == (b"", 0)
    said.close()
