"""The demo's account. No secret: the demo listens on this machine alone, and shows it on its sign-in page."""

ACCOUNT = "demo"
PASSWORD = "inspect-the-demo"
