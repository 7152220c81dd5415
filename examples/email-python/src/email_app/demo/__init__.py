"""The crash demo: `python -m email_app.demo` kills a busy mail queue and counts what arrived."""
