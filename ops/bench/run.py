"""Benchmarks: `preserve` beside its peers on the same bytes in the same minutes.

    python -m ops.bench.run --corpora DIR [--groups ingest,audit,restore,s3] [--rounds 3] [--minutes 4] [--out FILE]

Groups, each with its own tables: ingest, audit, restore, memory, harvest, identify (folder stores); s3, s3-large (a
SeaweedFS site); office (`migrate run` beside LibreOffice's own batches) and judging (beside converting, each pathway),
of the samples that come with pathways; and four that are not run unless named: records (judging of ten minutes of
sound, 40 megapixels, thirty pages …, made anew: minutes a round), s3-check (rclone check --download of S, a quarter of
an hour and more), large (one package of --gib, 10 by default: one small file out of it, one flipped bit in it; needs
four times its size of disk) and harvest-million (second harvests of a million files; half an hour, for the first ones).
No further round of a table begins after --minutes; a million files are a campaign (ops/campaigns/million_files.py).

DIR holds S, T and L2 (many mixed records, 100,000 tiny files, two of 1 GiB: ../shared/bench/make_corpus.py makes them)
and `floor`, the C program of the same place that does only the work that must be done.  Peers that are not installed
(restic from Debian; bagit.py, rclone and weed come with requirements-dev.txt) are left out, and so are their targets.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

from ops.bench.folders import audit, ingest, memory, restore
from ops.bench.harvests import harvest, harvest_million
from ops.bench.identifying import identify
from ops.bench.large import large
from ops.bench.measuring import Bounds, adopt
from ops.bench.migrating import judging, office, records
from ops.bench.service import Bench
from ops.bench.sites import s3, s3_check, s3_large

GROUPS: dict[str, Callable[[Bench], None]] = {
    "ingest": ingest,
    "audit": audit,
    "restore": restore,
    "s3": s3,
    "s3-large": s3_large,
    "memory": memory,
    "harvest": harvest,
    "identify": identify,
    "office": office,
    "judging": judging,
    "records": records,
    "s3-check": s3_check,
    "large": large,
    "harvest-million": harvest_million,
}
NAMED_ONLY = ("records", "s3-check", "large", "harvest-million")


def main() -> None:
    """Run the groups asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("/tmp/preserve-bench/work"))  # noqa: S108
    parser.add_argument("--groups", default=",".join(name for name in GROUPS if name not in NAMED_ONLY))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--gib", type=int, default=10)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    adopt()
    bench = Bench(given.corpora, given.work, Bounds(given.rounds, given.minutes * 60), given.gib)
    for name in given.groups.split(","):
        GROUPS[name](bench)
    text = f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores.\n\n" + "\n".join(bench.tables)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
