"""Checkpoints as rows and back, and the stretches of a listing that are covered. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from schemas.pages import Checkpoint, Stretch


def to_row(checkpoint: Checkpoint, updated_at: datetime) -> dict[str, Any]:
    """The row of `checkpoints`."""
    row = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    stretches = [asdict(stretch) for stretch in checkpoint.stretches]
    return {**row, "stretches": json.dumps(stretches, separators=(",", ":")), "updated_at": updated_at}


def from_row(row: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint of a row of `checkpoints`."""
    values = {field.name: row[field.name] for field in fields(Checkpoint) if row[field.name] is not None}
    values["stretches"] = tuple(Stretch(**stretch) for stretch in json.loads(row["stretches"] or "[]"))
    return Checkpoint(**values)
