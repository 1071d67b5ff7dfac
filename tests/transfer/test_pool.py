"""Which units are at work at the same time."""

from __future__ import annotations

import threading

from omero_rocrate_transfer.model.contents import ImageRecord, TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.transfer.interrupt import Interrupt
from omero_rocrate_transfer.transfer.pool import Outcome, work
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
    items = list(work(do, units, parallel=4, meter=Meter("transfer"), interrupt=Interrupt()))

    assert seen == [6, 6, 6]
    assert {item.unit.ref for item in items if isinstance(item, Outcome)} == {unit.ref for unit in units}
