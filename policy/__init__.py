"""Decisions only: may this subject, this Application, this object, at this instant? And which rule says so?

Pure: no clock, no network, no files, no logging, no threads; `now` and all data are arguments. Import nothing of the
floors above. Everybody who needs an answer asks policy.guard.
"""
