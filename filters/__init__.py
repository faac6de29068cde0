"""Decisions only: text (or scores) in, clean text or a reason out. No Beam, no files, no clock, no randomness.

Cleaners (``text``, ``markdown``, ``html_text``, ``sentences``) turn what a dump holds into plain text. Filters
(``pairs``, ``quality``) are small frozen dataclasses, thresholds as fields, that return a reason or None. Every reason
is part of the API and listed in ``docs/filters.md``.
"""
