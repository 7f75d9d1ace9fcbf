"""Does the cluster hold what Git states? Targets made ready, paired with live objects, compared field by field.

Pure: objects and schemas in, verdicts out; no request, no clock, no decision about what to do with a difference.
Called by the loop, by sync and by the command line.
"""
