"""What language models' servers turned out to accept, so that it need not be found out again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class ModelAbilities(Base):
    """How one server and model are asked."""

    __tablename__ = "model_abilities"

    scope: Mapped[str] = mapped_column(primary_key=True)
    """A digest of the address and the model."""
    server: Mapped[str]
    """Its host, for people."""
    model: Mapped[str]
    abilities: Mapped[dict[str, Any]]
    learned_at: Mapped[datetime] = mapped_column(server_default=func.now())
