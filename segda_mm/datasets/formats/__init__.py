"""Label files, panoptic files, lists of names, checksums and class tables."""
