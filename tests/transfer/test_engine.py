"""Which units are at work at the same time."""

from __future__ import annotations

import threading

from omero_rocrate_transfer.model.contents import ImageRecord, TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.engine import Engine, Outcome, iter_stages
from omero_rocrate_transfer.transfer.progress import Meter

ATTACHED = [TransferUnit(ref=ObjectRef("Annotation", number), images=()) for number in range(3)]
FILESETS = [
    TransferUnit(
        ref=ObjectRef("Fileset", number), images=(ImageRecord(ref=ObjectRef("Image", number), name="i"),)
    )
    for number in range(6)
]


def test_attachments_begin_when_all_images_have_ended() -> None:
    ended: list[str] = []
    seen: list[int] = []
    lock = threading.Lock()

    def do(unit: TransferUnit) -> None:
        with lock:
            if not unit.images:
                seen.append(sum(name.startswith("Fileset") for name in ended))
            ended.append(str(unit.ref))

    units = [*ATTACHED, *FILESETS]
    engine, meter = Engine(parallel=4), Meter("transfer")
    items = [item for stage in iter_stages(units) for item in engine.work(do, stage, meter)]

    assert seen == [6, 6, 6]
    assert {item.item.ref for item in items if isinstance(item, Outcome)} == {unit.ref for unit in units}
