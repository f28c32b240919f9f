"""What a page looks like to a person, measured in the browser: texts that are cut off, or too faint."""

from __future__ import annotations

from playwright.sync_api import Page


def cut_off(page: Page) -> list[str]:
    """Texts that do not fit into what they stand in."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('td, .cards li, .bars li > *, h1, h2, h3, p, dd, figcaption')]"
        ".filter(each => each.offsetWidth && each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"
    )
    return found


def faint(page: Page) -> list[str]:
    """Elements whose text stands out too little from its ground (WCAG 2.2, success criterion 1.4.3)."""
    found: list[str] = page.evaluate(
        """() => {
            const light = text => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number).map(c => c / 255)
                .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const ground = each => { for (; each; each = each.parentElement) {
                const colour = getComputedStyle(each).backgroundColor;
                if (!colour.endsWith(', 0)')) return colour; } return 'rgb(255, 255, 255)'; };
            return [...document.querySelectorAll('body *')].filter(each => each.offsetWidth &&
                [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())).filter(each => {
                const [one, two] = [light(getComputedStyle(each).color), light(ground(each))];
                return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05) < 4.5;
            }).map(each => each.outerHTML.slice(0, 80)); }"""
    )
    return found
