"""Backups of a PostgreSQL database: taken, verified, kept, and brought back.

Runs on a host under its system's Python (3.9 on EL9) with psycopg2, and knows nothing of Ansible.
"""
