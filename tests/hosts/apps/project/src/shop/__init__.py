"""A shop whose code lies below src."""

SCHEMA = "public"
