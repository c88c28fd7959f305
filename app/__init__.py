"""BGAD Inspect: the web pages, the worker and the commands around `bgad_core` and `storage`."""
