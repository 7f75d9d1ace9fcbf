"""The shipped rules as values: thresholds, expressions and texts, and what writes them into files. Reads no input.

`python -m alerts.rules` writes the files of the folder above and the tables of docs/alerts.md; `lynceus alerts export`
writes the same files with changed thresholds. Tests compare the committed files with what stands here.
"""
