"""Is what stands in a PDF told as it is, and does a file that is not as it should be spoil nothing?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image, ImageChops, ImageCms

from preserve.clock import SystemClock
from preserve.formats.measuring import pdf, pdf_signatures
from preserve.formats.measuring.pdfa_check import complaints_about_pdfa_2b
from preserve.formats.measuring.side import Side
from preserve.model.formats.properties import Measured, Property, Value
from preserve.settings.shipped import pathway_folders
from tests.formats.converters import require
from tests.workshop.documents import XMP, least_pdfa, rich_pdf

P = Property


def told(file: Path, *wanted: Property) -> Measured:
    return pdf.measure(Side((file,), ".pdf", "fmt/18"), frozenset(wanted))


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_pdf(tmp_path_factory.mktemp("pdf") / "rich.pdf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (P.PAGES, 3),
        (P.IMAGES, 2),
        (P.IMAGE_SIZES, ("64x48", "64x48")),
        (P.FONTS, ("Helvetica",)),
        (P.HYPERLINKS, ("https://example.org/rules", "page 3", "page 2", "file other.pdf")),
        (P.COMMENTS, ("Text: 同意", "Highlight: see article 3")),
        (P.MACROS, 1),
        (P.EMBEDDED, (f"附件.txt sha256:{hashlib.sha256(b'attached').hexdigest()}",)),
        (P.FORM_FIELDS, {"person.name": "张三", "person.agrees": "/Yes"}),
        (P.METADATA, {"title": "规定", "author": "甲处", "created": "20240102030405"}),
    ],
)
def test_what_stands_in_it_is_told(rich: Path, name: Property, value: Value) -> None:
    assert told(rich, name) == Measured({name: value}, {})


def test_the_profile_that_results_are_given_is_srgb_by_a_formula() -> None:
    require("gs")  # whose own profile has a table as its tone curve, which Poppler turns round for each page
    (folder,) = (each for each in pathway_folders() if each.name == "pdf-to-pdfa2b")
    ours, theirs = folder / "srgb.icc", Path("/usr/share/color/icc/ghostscript/srgb.icc")
    assert b"para" in ours.read_bytes() and b"curv" not in ours.read_bytes()
    ramp = Image.linear_gradient("L")
    colours = Image.merge("RGB", (ramp, ramp.rotate(90), ramp.rotate(180)))
    turned = ImageCms.profileToProfile(colours, str(ours), str(theirs))
    assert turned is not None
    assert np.asarray(ImageChops.difference(colours, turned)).max() <= 2


def test_the_text_is_that_of_all_pages_in_their_order(rich: Path) -> None:
    require("pdftotext")
    text = told(rich, P.TEXT).values[P.TEXT]
    assert isinstance(text, str) and " ".join(text.split()) == "Page 1 of 2024 Page 2 of 2024 Page 3 of 2024"


def test_what_is_no_pdf_or_locked_says_so(rich: Path, tmp_path: Path) -> None:
    broken, locked = tmp_path / "broken.pdf", tmp_path / "locked.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    with pikepdf.open(rich) as opened:
        opened.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    for file in (broken, locked):
        assert told(file, P.PAGES, P.IMAGES, P.TEXT) == Measured(
            {}, {P.PAGES: pdf.NOT_OPENED, P.IMAGES: pdf.NOT_DRAWN, P.TEXT: pdf.NO_TEXT}
        )
        assert "QPDF does not open it" in complaints_about_pdfa_2b(file)[0]


def test_parts_that_are_not_as_they_should_be_are_passed_over(tmp_path: Path) -> None:
    with pikepdf.new() as made:
        page = made.add_blank_page()
        odd = Dictionary(Subtype=Name.Link, A=Dictionary(S=Name.GoTo, D=Array([3])))
        page.obj.Annots = Array([1, String("no annotation"), odd, Dictionary(Subtype=Name.Text, Contents=7)])
        made.Root.AcroForm = Dictionary(Fields=Array([5, Dictionary(T=String("a"), Kids=3, V=4)]))
        made.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array([String("x"), Dictionary(EF=3)])))
        made.trailer.Info = Array([])
        made.save(tmp_path / "odd.pdf")
    found = told(tmp_path / "odd.pdf", P.HYPERLINKS, P.COMMENTS, P.FORM_FIELDS, P.EMBEDDED, P.METADATA).values
    assert found == {
        P.HYPERLINKS: ("page elsewhere",), P.COMMENTS: ("Text: ",), P.FORM_FIELDS: {"a": ""}, P.EMBEDDED: (),
        P.METADATA: {},
    }  # fmt: skip


def test_bookmarks_are_told_with_where_they_lead_also_where_they_lead_in_a_circle(tmp_path: Path) -> None:
    with pikepdf.new() as made:
        for _ in range(2):
            made.add_blank_page()
        with made.open_outline() as outline:
            chapter = pikepdf.OutlineItem("第一章", 0)
            chapter.children.append(pikepdf.OutlineItem("第一条", 1))
            outline.root.append(chapter)
        made.Root.Outlines.First.First.Next = made.Root.Outlines.First
        made.save(tmp_path / "a.pdf")
    assert told(tmp_path / "a.pdf", P.HYPERLINKS).values[P.HYPERLINKS] == ("第一章: page 1", "第一条: page 2")


def test_of_a_long_comment_every_sign_counts(tmp_path: Path) -> None:
    for number, end in enumerate("AB"):
        with pikepdf.new() as made:
            comment = Dictionary(Subtype=Name.Text, Contents=String("x" * 3000 + end))
            made.add_blank_page().obj.Annots = Array([comment])
            made.save(tmp_path / f"{number}.pdf")
    one, two = (told(tmp_path / f"{number}.pdf", P.COMMENTS).values[P.COMMENTS] for number in range(2))
    assert one != two and isinstance(one, tuple) and len(str(one[0])) < 2100


def signed(path: Path, signer: str) -> None:
    """A PDF signed over all of it but the signature, as ISO 32000-1, 12.8.1 says."""
    with pikepdf.new() as made:
        made.add_blank_page()
        signature = Dictionary(
            Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), SubFilter=Name("/adbe.pkcs7.detached"),
            ByteRange=Array([0, 1111111111, 1111111111, 1111111111]), Contents=String(bytes(4000)),
            M=String("D:20240102030405Z"),
        )  # fmt: skip
        field = Dictionary(FT=Name.Sig, T=String("seal"), V=made.make_indirect(signature))
        made.Root.AcroForm = Dictionary(Fields=Array([made.make_indirect(field)]))
        made.save(path, object_stream_mode=pikepdf.ObjectStreamMode.disable, static_id=True)
    content = path.read_bytes()
    begin = content.index(b"<" + b"00" * 4000)
    end = begin + 8002
    ranges = f"[ 0 {begin} {end} {len(content) - end} ]".encode()
    old = content[content.index(b"/ByteRange") + 10 :]
    old = old[: old.index(b"]") + 1].strip()
    content = content.replace(old, ranges.ljust(len(old)))
    cms = signature_of(content[:begin] + content[end:], signer)
    path.write_bytes(content[: begin + 1] + cms.hex().encode().ljust(8000, b"0") + content[end - 1 :])


def signature_of(data: bytes, signer: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, signer)])
    now = SystemClock().now()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now)
    certificate = builder.sign(key, hashes.SHA256())
    asked = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(certificate, key, hashes.SHA256())
    return asked.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])


def test_a_signature_is_named_and_whether_what_was_signed_is_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "signed.pdf"
    signed(file, "馆长 王五")
    found = told(file, P.SIGNATURES).values[P.SIGNATURES]
    assert found == (f"seal; 馆长 王五; 20240102030405; {pdf_signatures.UNCHANGED}",)
    file.write_bytes(file.read_bytes().replace(b"/MediaBox", b"/MediaBux", 1))
    changed = told(file, P.SIGNATURES).values[P.SIGNATURES]
    assert changed == (f"seal; 馆长 王五; 20240102030405; {pdf_signatures.CHANGED}",)


def test_what_forbids_pdfa_is_found(tmp_path: Path) -> None:
    file = least_pdfa(tmp_path / "a.pdf")
    assert complaints_about_pdfa_2b(file) == ()
    harms: dict[str, Callable[[Pdf], object]] = {
        "not say that it is PDF/A-2": lambda made: made.Root.Metadata.write(XMP.replace(b'part="2"', b'part="1"')),
        "no XMP": lambda made: made.Root.__delitem__("/Metadata"),
        "no output intent": lambda made: made.Root.__delitem__("/OutputIntents"),
        "no colour profile": lambda made: made.Root.OutputIntents[0].__delitem__("/DestOutputProfile"),
        "font /Times is not embedded": lambda made: made.make_indirect(
            Dictionary(Type=Name.FontDescriptor, FontName=Name.Times)
        ),
        "font /Arial is not embedded": lambda made: made.Root.__setitem__(
            "/X", Dictionary(Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name.Arial)
        ),
        "action /Launch": lambda made: made.Root.__setitem__("/X", Dictionary(Type=Name.Action, S=Name.Launch)),
        "action /JavaScript": lambda made: made.Root.__setitem__("/X", Dictionary(S=Name.JavaScript, JS=String("1"))),
        "when it is opened": lambda made: made.Root.__setitem__("/AA", Dictionary()),
        "annotation /Movie": lambda made: made.Root.__setitem__(
            "/X", Dictionary(Subtype=Name.Movie, Rect=Array([0, 0, 1, 1]))
        ),
        "attachment a.txt": lambda made: made.attachments.__setitem__("a.txt", b"no PDF"),
        "in another file": lambda made: made.Root.__setitem__("/X", made.make_stream(b"", F=String("there"))),
    }
    for said, harm in harms.items():
        with pikepdf.open(file) as made:
            harm(made)
            made.Root.Kept = made.make_indirect(Array([each for each in made.objects if isinstance(each, Dictionary)]))
            made.save(tmp_path / "harmed.pdf")
        assert said in "; ".join(complaints_about_pdfa_2b(tmp_path / "harmed.pdf"))
    with pikepdf.open(file) as made:
        made.save(tmp_path / "harmed.pdf", encryption=pikepdf.Encryption(owner="a", user=""))
    assert "it is encrypted (6.1.3)" in complaints_about_pdfa_2b(tmp_path / "harmed.pdf")


def test_a_picture_is_counted_as_often_as_it_is_drawn(tmp_path: Path) -> None:
    Image.new("RGB", (60, 80), (200, 30, 30)).save(tmp_path / "a.pdf", save_all=True)
    assert told(tmp_path / "a.pdf", P.IMAGES, P.IMAGE_SIZES).values == {P.IMAGES: 1, P.IMAGE_SIZES: ("60x80",)}
