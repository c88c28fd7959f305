"""What BGAD Inspect remembers: rows, masks and content-addressed objects."""
