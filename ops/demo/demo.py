"""`make demo`: the main job for real, in under a minute.

Two S3 sites and a folder, sample records in, copies damaged behind the service's back, the damage found, named and
mended, everything restored from the remote site alone, a lost home rebuilt, a recovery rehearsed, and how safe all is
said.  With `--keep` the sites stay.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import unicodedata
from pathlib import Path
from types import FrameType

from ops.demo.acts import ACTS, Play
from ops.demo.stage import WORK, Stage, WentWrongError
from ops.demo.words import Words

WRONG = Words("This did not go as it must:", "未按预期进行：")
STOPPED = Words(
    "Stopped; everything that was started is being ended and removed.", "已中止；正在停止并清除所启动的一切。"
)
CLOSING = Words("What happened", "经过")
KEPT = Words(
    "The sites are still running and everything lies in {folder}.  Go on by hand:\n"
    "    . {environment}\n    preserve status\n    preserve audit --level full\n"
    "End them with:\n    kill {pids}; sleep 5; rm -rf {folder}",
    "站点仍在运行，所有内容在 {folder} 中。可手工继续：\n"
    "    . {environment}\n    preserve status\n    preserve audit --level full\n"
    "结束请运行：\n    kill {pids}; sleep 5; rm -rf {folder}",
)


def perform(play: Play) -> list[tuple[str, str, float]]:
    """All acts in order: (title, result, seconds) of each."""
    table = []
    for number, act in enumerate(ACTS, 1):
        print(f"{number:>2}  {act.title}", flush=True)
        began = time.monotonic()
        result = str(act.result).format(*act.play(play))
        table.append((str(act.title), result, time.monotonic() - began))
    return table


def show(table: list[tuple[str, str, float]]) -> None:
    """The closing table."""
    print(f"\n{CLOSING}")
    widest = max(_columns(title) for title, _, _ in table)
    for number, (title, result, seconds) in enumerate(table, 1):
        print(f"  {number:>2}  {seconds:5.1f} s  {title}{' ' * (widest - _columns(title))}  {result}")
    print(f"      {sum(seconds for _, _, seconds in table):5.1f} s")


def _columns(text: str) -> int:
    """How wide a terminal shows it: Chinese characters take two columns."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def interrupted(number: int, frame: FrameType | None) -> None:
    """Ctrl-C and SIGTERM end the demo in the same way; a second one does not disturb the clearing up."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> int:
    """Play, clear up, and say by the exit code whether everything went as it must."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--keep", action="store_true", help="leave the sites running")
    parser.add_argument("--folder", type=Path, default=WORK, help="where to play; what lies there is removed")
    asked = parser.parse_args()
    # Also where the shell that started us ignores Ctrl-C on our behalf.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    play = Play(Stage(asked.folder.absolute()))
    kept = False
    try:
        show(perform(play))
        kept = asked.keep
    except WentWrongError as error:
        print(f"\n{WRONG} {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{STOPPED}", file=sys.stderr)
        return 130
    finally:
        if not kept:
            play.stage.clear()
    if kept:
        environment = play.stage.write_environment()
        pids = " ".join(str(site.server.pid) for site in play.stage.sites.values())
        print(f"\n{KEPT.filled(folder=play.stage.folder, environment=environment, pids=pids)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
