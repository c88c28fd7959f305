"""A version's certificate as one self-contained HTML page, for a screen and for paper."""

from collections.abc import Iterable
from html import escape

from app.services.certificate import ASSUMPTION, Certificate
from app.services.gate import carried_words, gate_words
from app.services.review import METRICS, Histogram

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2125; background: #fff; max-width: 820px; margin: 2rem auto; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .3rem .6rem .3rem 0; }
tr { border-bottom: 1px solid #d5dae0; } td:first-child { color: #57606a; width: 34%; } td { overflow-wrap: anywhere; }
.note { color: #57606a; } .alarm { color: #b42318; font-weight: 600; } svg { width: 100%; height: auto; }
.sign { display: flex; gap: 3rem; margin-top: 3rem; } .sign div { flex: 1; border-top: 1px solid #1d2125; }
@page { margin: 18mm; } @media print { body { margin: 0; max-width: none; font-size: 11pt; } h2 { break-after: avoid; }
tr, svg { break-inside: avoid; } }
"""
COLOURS = {"normal": "#3b82f6", "known": "#f08c2e", "held-out": "#9b5de5", "new": "#8a949e"}
WORDS = {"normal": "normal", "known": "known defects", "held-out": "held-out defects", "new": "not labelled"}
DASHES = {"normal": "", "known": "6 3", "held-out": "2 3", "new": "8 3 2 3"}
WIDTH, HEIGHT = 780, 220


def certificate_page(found: Certificate) -> str:
    """The page: no script, no picture from elsewhere, nothing that a file cabinet would lose."""
    version = found.version
    decides = "decides now" if version.decides else "does not decide"
    body = [
        f"<h1>{escape(found.project)}, version v{version.number}</h1>",
        f'<p class="note">Certificate of {found.made:%Y-%m-%d %H:%M} UTC, asked for by {escape(found.asked_by)}. '
        f"The version {decides}.</p>",
        _section("How it decides", _rule(found)),
        _section("What it does to parts that it was not made from", _does(found)),
        _section("Held-out metrics", _metrics(found)),
        _section("The boundary (fused map)", _histogram(found.histograms["fused"])),
        _section("Drift", _drift(found)),
        _section("Made from", _table(_made_from(found))),
        _section("Who let it decide", _promotions(found)),
        '<div class="sign"><div>Date</div><div>Name and signature</div></div>',
    ]
    title = escape(f"{found.project} v{version.number}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><body><main>{''.join(body)}</main></body></html>"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>{content}"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return "<table>" + "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in rows) + "</table>"


def _rule(found: Certificate) -> str:
    point = found.point
    if point is None or point.promise == "boundary":
        text = "By its boundary: a part is stopped when some place of it lies below b_n. No rate of parts is stated."
        return f"<p>{text}</p>"
    lines = (
        f"Parts that score above {point.stop:.4f} are stopped, above {point.reject:.4f} rejected without a second look."
    )
    by = f"Set by {point.by} on {point.created_at:%Y-%m-%d %H:%M} UTC."
    if point.alpha is None:
        return f"<p>{escape(f'{lines} No rate of parts is stated: {point.reason}. {by}')}</p>"
    sure = f"with {100 * point.confidence:g} % confidence" if point.confidence else "on average"
    evidence = point.evidence
    words = (
        f"{lines} Stated {sure}: at most {100 * point.alpha:g} % of good parts are stopped, from {evidence['normals']} "
        f"good parts that the flows never saw (rank {evidence['rank']}; nine calibrations in ten lie between "
        f"{100 * evidence['low']:.1f} and {100 * evidence['high']:.1f} %). {by}"
    )
    return f'<p>{escape(words)}</p><p class="note">{escape(ASSUMPTION)}</p>'


def _does(found: Certificate) -> str:
    rows = [(f"{name}: defects stopped", share.words()) for name, share in found.does.recalls.items()]
    rows.append(("good parts stopped", found.does.alarms.words()))
    load = found.does.load
    total = sum(load.values())
    rows.append(
        (
            "not labelled: pass, look, reject",
            f"{load['good']}, {load['look']}, {load['defect']} of {total}" if total else "none waits for a label",
        )
    )
    return _table(rows) + '<p class="note">95 % intervals (Wilson) in brackets.</p>'


def _metrics(found: Certificate) -> str:
    metrics = found.version.metrics
    if metrics is None:
        return "<p>No held-out labels, so nothing measured it.</p>"
    rows = [(words, "no value" if metrics[name] is None else f"{metrics[name]:.4f}") for name, words in METRICS.items()]
    rows.append(("measured on", f"{metrics['n_normal']} normal and {metrics['n_abnormal']} defective images"))
    return _table(rows)


def _histogram(found: Histogram) -> str:
    """Shares on a square-root scale, which shows the few cells far out; b_n solid, b_a dashed, the point dotted."""
    low, high = found.centres[0], found.centres[-1]
    top = max((max(shares) for shares in found.shares.values()), default=1.0) ** 0.5 or 1.0
    place = lambda x: 10 + (WIDTH - 20) * (x - low) / (high - low)  # noqa: E731
    lines = []
    for group, shares in found.shares.items():
        points = " ".join(
            f"{place(x):.1f},{HEIGHT - 24 - (HEIGHT - 50) * share**0.5 / top:.1f}"
            for x, share in zip(found.centres, shares, strict=True)
        )
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[group]}" stroke-width="1.8" '
            f'stroke-dasharray="{DASHES[group]}"/>'
        )
    marks = [("b_n", found.b_n, "", 11), ("b_a", found.b_a, "5 4", 24)]
    if found.part_stop is not None:
        marks.append(("operating point", found.part_stop, "1 3", 37))
    for name, value, dash, row in marks:
        x = place(min(max(value, low), high))
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{HEIGHT - 24}" stroke="#1d2125" stroke-dasharray="{dash}"/>'
            f'<text x="{x:.1f}" y="{row}" font-size="11" text-anchor="end">{name} {value:.2f}</text>'
        )
    lines.append(f'<text x="10" y="{HEIGHT - 6}" font-size="11">log-likelihood {low:.2f}</text>')
    lines.append(f'<text x="{WIDTH - 10}" y="{HEIGHT - 6}" font-size="11" text-anchor="end">{high:.2f}, normal</text>')
    legend = ", ".join(
        f'<span style="border-bottom:3px solid {COLOURS[group]}">{WORDS[group]}</span> {found.cells[group]:,}'
        for group in found.shares
    )
    overlap = "" if found.overlap is None else f" Overlap of normal and known defects {100 * found.overlap:.1f} %."
    if found.overlap_held_out is not None:
        overlap += f" Of normal and held-out defects {100 * found.overlap_held_out:.1f} %."
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="log-likelihoods by group">{"".join(lines)}</svg>'
        f'<p class="note">Cells: {legend}; root of shares.{overlap}</p>'
    )


def _drift(found: Certificate) -> str:
    drift = found.drift
    if drift is None:
        return "<p>The first version: nothing to be held against.</p>"
    if drift.alarms:
        return "".join(f'<p class="alarm">Alarm: {escape(alarm)}.</p>' for alarm in drift.alarms)
    judged = (
        f"against v{drift.against} no b_n moved more than chance ({drift.repeats} retrains on the same labels)"
        if drift.judged
        else f"against v{drift.against} not judged: {drift.repeats} of 3 retrains on the same labels"
    )
    return f"<p>No alarm; {escape(judged)}.</p>"


def _made_from(found: Certificate) -> list[tuple[str, str]]:
    version, checked = found.version, found.verified
    rows = [
        ("trained", f"{version.at:%Y-%m-%d %H:%M} UTC in {version.seconds:.0f} s on {version.device} by {version.by}"),
        ("reason", version.reason or "none given"),
        ("parent", f"v{version.parent_number}" if version.parent_number else "none"),
        *version.provenance.items(),
    ]
    if checked is not None:
        bits = f"the same, {checked.last_bits} scores but for their last bits" if checked.last_bits else "the same bits"
        same = bits if checked.same else f"{checked.differing} of {checked.scored} scores differ"
        rows.append(("made again from the snapshot", f"{checked.at:%Y-%m-%d %H:%M} UTC: {same}"))
    return rows


def _promotions(found: Certificate) -> str:
    if not found.promotions:
        return "<p>Nobody so far.</p>"
    rows = []
    for row in found.promotions:
        said = f"{row.reason or 'no reason given'}. Gate: {gate_words(row.gate, row.by)}"
        said += f". {words}" if (words := carried_words(row.gate)) else ""
        rows.append((f"{row.created_at:%Y-%m-%d %H:%M} UTC, {row.by}", said))
    return _table(rows)
