"""The sign-in page: plain HTML, because Streamlit itself lies behind the gate."""

from html import escape
from urllib.parse import quote

from app.demo_account import ACCOUNT, PASSWORD

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f8; --card: #fff; --ink: #1d2125; --soft: #5b6570; --line: #d5dae0;
  --accent: #1f6feb; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #101316; --card: #181c20; --ink: #e8eaed; --soft: #9aa4ae;
  --line: #333a41; --accent: #4c8dff; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", sans-serif; }
main { width: min(380px, calc(100vw - 32px)); padding: 32px; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px; }
h1 { margin: 0; font-size: 22px; }
p { margin: 4px 0 20px; color: var(--soft); }
label { display: block; margin: 14px 0 4px; font-size: 14px; }
input { width: 100%; padding: 11px 12px; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 8px; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button { width: 100%; margin-top: 22px; padding: 12px; font: inherit; font-weight: 600; color: #fff;
  background: #1f6feb; border: 0; border-radius: 8px; cursor: pointer; }
[role=alert] { margin: 0 0 4px; color: var(--bad); font-size: 14px; }
.demo { margin: 18px 0 0; padding: 10px 12px; border: 1px dashed var(--line); border-radius: 8px; font-size: 14px; }
.other { display: block; margin-top: 12px; padding: 11px; text-align: center; color: inherit; text-decoration: none;
  border: 1px solid var(--line); border-radius: 8px; }
code { font-family: ui-monospace, monospace; user-select: all; }
"""


def sign_in_page(*, next_path: str, name: str, error: str, demo: bool, elsewhere: str = "") -> str:
    """The whole page; everything that came from outside is escaped.

    Args:
        elsewhere: the name of the OIDC provider that people may sign in with as well, "" for none.
    """
    after = ""
    if elsewhere:
        after += (
            f'<a class="other" href="/oidc/start?next={quote(next_path, safe="")}">Sign in with {escape(elsewhere)}</a>'
        )
    if demo:
        hint = f"This is the demo. Sign in as <code>{ACCOUNT}</code> with <code>{PASSWORD}</code>"
        after += f'<div class="demo">{hint}</div>'
    focus_name, focus_password = ("", " autofocus") if name else (" autofocus", "")
    fields = f"""<input type="hidden" name="next" value="{escape(next_path, quote=True)}">
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" required value="{escape(name, quote=True)}"{focus_name}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{focus_password}>
<button type="submit">Sign in</button>"""
    return _page("Sign in", "Find defects, mark what was missed.", error, "/login", fields, after)


def setup_page(*, name: str = "", code: str = "", error: str = "") -> str:
    """The page on which the first admin is made with the command line's code."""
    fields = f"""<label for="code">Code of <code>bgad-inspect user code</code></label>
<input id="code" name="code" autocomplete="off" required value="{escape(code, quote=True)}" autofocus>
<label for="name">Your name</label>
<input id="name" name="name" autocomplete="username" required value="{escape(name, quote=True)}">
<label for="password">A password, 10 characters or more</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="10" required>
<button type="submit">Make the first admin</button>"""
    return _page("Set up", "Who looks after this installation?", error, "/setup", fields, "")


def _page(title: str, lead: str, error: str, action: str, fields: str, after: str) -> str:
    alert = f'<div role="alert">{escape(error)}</div>' if error else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · BGAD Inspect</title><link rel="icon" href="data:,"><style>{STYLE}</style></head>
<body><main><h1>BGAD Inspect</h1><p>{lead}</p>{alert}
<form method="post" action="{action}">{fields}</form>{after}</main></body></html>"""
