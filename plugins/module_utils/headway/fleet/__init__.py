"""Many databases with one set of migrations."""
