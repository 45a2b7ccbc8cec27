"""Trained networks at work: pictures and videos in, labels and overlays out."""
