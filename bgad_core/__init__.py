"""BGAD: explicit boundary guided anomaly detection with a few known defects (CVPR 2023)."""
