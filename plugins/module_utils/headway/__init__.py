"""The migration engine: what a database has, what a run would do, and the run itself."""
