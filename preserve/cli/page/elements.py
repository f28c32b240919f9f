"""HTML and SVG as trees, so that whatever stands in them is escaped by who writes them out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from preserve.model.printable import printable

Child = Element | str | int | None
Children = Child | Iterable[Child]


def element(tag: str, *children: Children, **attributes: object) -> Element:
    """An element; `class_` and `stroke_width` name the attributes class and stroke-width, None leaves one out.

    Names come from anywhere: characters that are not printable are shown as their numbers.
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), printable(str(value)))
    for child in children:
        _append(made, child)
    return made


def _append(parent: Element, child: Children) -> None:
    match child:
        case None:
            return
        case Element():
            parent.append(child)
        case str() | int():
            _append_text(parent, printable(str(child)))
        case _:
            for each in child:
                _append(parent, each)


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def page(title: str, language: str, style: str, *body: Children, has_pictures: bool = False) -> str:
    """A whole document, which may load nothing, run nothing and send nothing (Content Security Policy level 3).

    Its own style is let in by its digest; style attributes would not be.  Pictures, where it has any, are part of it.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    pictures = "img-src data:; " if has_pictures else ""
    policy = f"default-src 'none'; {pictures}style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    sheet = Element("style")
    sheet.text = style  # ours, as it is: the digest is of these bytes
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        sheet,
    )
    root = element("html", head, element("body", *body), lang=language)
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
