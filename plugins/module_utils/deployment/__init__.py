"""What a deploy needs to know of an app's source and of a host.

`tree` and `host` also run under a host's system Python (3.9 on EL9), the rest on the controller alone.
"""
