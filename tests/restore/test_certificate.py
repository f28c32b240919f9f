"""Does the certificate say all it knows, in Chinese and in English, to who reads it on paper?"""

from __future__ import annotations

import dataclasses
import json

import pytest

from preserve.cli import voices
from preserve.errors import Unavailable
from preserve.model import certificates
from preserve.model.certificates import ENGLISH, CertifiedPackage, Companions, RestoreCertificate
from preserve.model.complaints import Complaint
from preserve.model.nouns import Condition, Finding

BESIDE = Companions("out.restored.sha256", "out.restored.json", "ab" * 32)

WHOLE = RestoreCertificate(
    packages=(CertifiedPackage("20261121-aaaaaaaaaa", "01" * 32, "02" * 32),),
    selection=None,
    as_bag=False,
    to="/out",
    actor="王",
    reason="Permission denied",  # a person may say what the system says: it is the person's word, and stays
    begun_at="2026-11-21T08:00:00.000001Z",
    ended_at="2026-11-21T08:00:05.000001Z",
    milliseconds=5000,
    files=1,
    bytes=70,
    already_there=0,
    left=0,
    lost=0,
    lost_files=(),
    is_verified=True,
    sources={"near": 70},
    away={},
    damage=(),
    files_sha256="03" * 32,
    ledger_size=12,
    ledger_root="04" * 32,
    written_by="preserve 0",
)
PARTIAL = dataclasses.replace(
    WHOLE,
    selection="*.pdf",
    lost=1,
    left=2,
    is_verified=False,
    already_there=1,
    lost_files=(Complaint("lost", "a.pdf", "the target does not take it: {reason}", {"reason": "File name too long"}),),
    away={"far": Unavailable("store {store}: the credentials are gone", store="far")},
    damage=(Finding("20261121-aaaaaaaaaa", "city", Condition.DAMAGED, "packages/aa/x/bag.tar", "1", "2"),),
)


@pytest.mark.parametrize("certificate", [WHOLE, PARTIAL])
def test_both_languages_are_in_one_document_the_persons_first(certificate: RestoreCertificate) -> None:
    said = certificates.text(certificate, BESIDE, (voices.chinese(), voices.english()))
    chinese, english = said.split("-" * 72)
    assert chinese.startswith("档案恢复证书") and english.strip().startswith("CERTIFICATE OF RESTORATION")
    assert chinese.strip().count("\n") == english.strip().count("\n")
    for value in ("20261121-aaaaaaaaaa", "01" * 32, "02" * 32, "03" * 32, "04" * 32, "ab" * 32, "/out", "王", "2026"):
        assert value in chinese and value in english
    assert "Permission denied" in chinese


def test_what_is_lost_away_and_damaged_is_said_in_each_language() -> None:
    chinese = certificates.text(PARTIAL, BESIDE, (voices.chinese(),))
    assert "结果：不完整" in chinese
    assert "未恢复：a.pdf：" in chinese and "文件名过长" in chinese
    assert "凭据" in chinese and "bag.tar：损坏" in chinese
    english = certificates.text(PARTIAL, BESIDE, (ENGLISH,))
    assert "Result: NOT COMPLETE" in english
    assert "not restored: a.pdf: the target does not take it: File name too long" in english
    assert "packages/aa/x/bag.tar in store city: damaged" in english


def test_the_json_is_english_and_the_same_whoever_asks() -> None:
    document = json.loads(certificates.encode(PARTIAL))
    assert document["lost_files"] == ["a.pdf: the target does not take it: File name too long"]
    assert document["away"] == {"far": "store far: the credentials are gone"}
    assert document["damage"] == ["packages/aa/x/bag.tar in city: damaged"]
