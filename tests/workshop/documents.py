"""Small documents of our own, with everything in them that a conversion may lose."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image


def rich_pdf(path: Path, pages: int = 3, *, attaches: bool = True) -> Path:
    """A PDF with text, pictures, links, comments, an attachment, a form and a script."""
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
        picture = _picture(pdf)
        for number in range(1, pages + 1):
            page = pdf.add_blank_page(page_size=(400, 300))
            shown = number < 3
            page.Resources = Dictionary(
                Font=Dictionary(F1=font), XObject=Dictionary(P=picture) if shown else Dictionary()
            )
            drawn = b"q 120 0 0 90 40 60 cm /P Do Q " if shown else b""
            words = b"BT /F1 24 Tf 40 220 Td (Page %d of 2024) Tj ET" % number
            page.Contents = pdf.make_stream(drawn + words)
        _annotate(pdf)
        _fill_in(pdf)
        if attaches:
            pdf.attachments["附件.txt"] = b"attached"
        pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
        pdf.docinfo["/Title"], pdf.docinfo["/Author"] = "规定", "甲处"
        pdf.docinfo["/CreationDate"] = "D:20240102030405+08'00'"
        pdf.save(path, static_id=True)
    return path


def _picture(pdf: Pdf) -> pikepdf.Stream:
    noise = Image.effect_noise((64, 48), 80).convert("RGB")
    held = io.BytesIO()
    noise.save(held, "JPEG", quality=95)
    return pdf.make_stream(
        held.getvalue(), Type=Name.XObject, Subtype=Name.Image, Width=64, Height=48, ColorSpace=Name.DeviceRGB,
        BitsPerComponent=8, Filter=Name.DCTDecode,
    )  # fmt: skip


def _annotate(pdf: Pdf) -> None:
    third = pdf.pages[2].obj
    pdf.Root.Names = Dictionary(Dests=Dictionary(Names=Array([String("second"), Array([pdf.pages[1].obj, Name.Fit])])))

    def link(key: str, target: object) -> Dictionary:
        made = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([40, 200, 200, 240]), F=4)
        made[key] = target
        return made

    def note(kind: Name, text: str) -> Dictionary:
        rect = Array([300, 200, 320, 220])
        return Dictionary(Type=Name.Annot, Subtype=kind, Rect=rect, Contents=String(text), F=4,
                          QuadPoints=Array([300, 220, 320, 220, 300, 200, 320, 200]))  # fmt: skip

    pdf.pages[0].obj.Annots = Array(
        [
            link("/A", Dictionary(S=Name.URI, URI=String("https://example.org/rules"))),
            link("/Dest", Array([third, Name.Fit])),
            link("/A", Dictionary(S=Name.GoTo, D=String("second"))),
            link("/A", Dictionary(S=Name.GoToR, F=String("other.pdf"), D=Array([0, Name.Fit]))),
            note(Name.Text, "同意"),
        ]
    )
    pdf.pages[1].obj.Annots = Array([note(Name.Highlight, "see article 3")])


def _fill_in(pdf: Pdf) -> None:
    name = pdf.make_indirect(Dictionary(T=String("name"), FT=Name.Tx, V=String("张三")))
    agrees = pdf.make_indirect(Dictionary(T=String("agrees"), FT=Name.Btn, V=Name.Yes))
    empty = pdf.make_indirect(Dictionary(T=String("empty"), FT=Name.Tx))
    person = pdf.make_indirect(Dictionary(T=String("person"), Kids=Array([name, agrees, empty])))
    pdf.Root.AcroForm = Dictionary(Fields=Array([person]))


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" pdfaid:part="2"'
    b' pdfaid:conformance="B"/></rdf:RDF></x:xmpmeta>'
)


def least_pdfa(path: Path) -> Path:
    """The least that our own checks call sound."""
    with pikepdf.new() as made:
        made.add_blank_page()
        xmp = XMP
        made.Root.Metadata = made.make_stream(xmp, Type=Name.Metadata, Subtype=Name.XML)
        profile = made.make_stream(b"icc", N=3)
        made.Root.OutputIntents = Array([Dictionary(S=Name.GTS_PDFA1, DestOutputProfile=profile)])
        made.save(path)
    return path
