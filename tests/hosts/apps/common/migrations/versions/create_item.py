"""create item"""

import sqlalchemy as sa
from alembic import op

revision = "1f0000000001"
down_revision = None


def upgrade() -> None:
    item = op.create_table(
        "item",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(50), nullable=False),
    )
    op.bulk_insert(item, [{"name": "pen"}, {"name": "ink"}])


def downgrade() -> None:
    op.drop_table("item")
