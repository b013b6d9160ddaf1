"""The badge: one line that says what a complete run found, as shields' endpoint and as a picture."""

import json
from collections.abc import Mapping

LABEL = "answers"
_COLOURS = {"brightgreen": "#2e7d32", "yellow": "#8a6d00", "red": "#c62828"}
_CHARACTER = 6.6  # px, the mean width of a character at 11 px in the fonts below


def message(totals: Mapping[str, int]) -> str:
    """Return what the badge says."""
    if totals["bad"]:
        return f"{totals['bad']} refuted or in error · {totals['held']} claims hold"
    parts = [f"{totals['held']} claims hold", f"{totals['mistakes_refuted']} mistakes refuted"]
    if totals["not_judged"]:
        parts.append(f"{totals['not_judged']} not judged")
    return " · ".join([*parts, f"{totals['answered']}/{totals['questions']} questions"])


def colour(totals: Mapping[str, int]) -> str:
    """Return red if anything is refuted or in error, green if everything was judged and held, else yellow."""
    if totals["bad"] or not totals["held"]:
        return "red"
    whole = not totals["not_judged"] and all(
        totals[kind] == totals[done]
        for kind, done in (
            ("mistakes", "mistakes_refuted"),
            ("legal", "legal_held"),
            ("myths", "myths_refuted"),
            ("contracts", "contracts_held"),
        )
    )
    return "brightgreen" if whole else "yellow"


def as_json(totals: Mapping[str, int]) -> str:
    """Return the badge in the form of shields' endpoint."""
    facts = {"schemaVersion": 1, "label": LABEL, "message": message(totals), "color": colour(totals)}
    return json.dumps(facts, ensure_ascii=False) + "\n"


def as_svg(totals: Mapping[str, int]) -> str:
    """Return the badge as a picture that needs no server."""
    said = message(totals)
    left, right = (round(len(text) * _CHARACTER + 12) for text in (LABEL, said))
    fill = _COLOURS[colour(totals)]
    width = left + right
    svg = f'svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
    return f"""<{svg} aria-label="{LABEL}: {said}">
<title>{LABEL}: {said}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="20" fill="#424242"/>
<rect x="{left}" width="{right}" height="20" fill="{fill}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left / 2}" y="14" textLength="{left - 12}" lengthAdjust="spacingAndGlyphs">{LABEL}</text>
<text x="{left + right / 2}" y="14" textLength="{right - 12}" lengthAdjust="spacingAndGlyphs">{said}</text>
</g></svg>
"""
