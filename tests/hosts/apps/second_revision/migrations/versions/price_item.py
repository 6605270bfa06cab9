"""price item"""

import sqlalchemy as sa
from alembic import op

revision = "1f0000000002"
down_revision = "1f0000000001"


def upgrade() -> None:
    op.add_column("item", sa.Column("price", sa.Integer, server_default="3"))


def downgrade() -> None:
    op.drop_column("item", "price")
