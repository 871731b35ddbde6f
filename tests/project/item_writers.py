"""Every method of the models of work items that writes: tried, or with the reason why it says nothing by itself."""

from __future__ import annotations

from tests.project.item_doorways import SHOWN, Items, writes
from tests.project.writers import HIDDEN, UNTOLD, Writer


def _saved(w: Items) -> None:
    w.item.location = "Depot"
    w.item.save()


MODELS: dict[str, Writer] = {
    "WorkItem.save": writes(_saved, *SHOWN, "item"),
}

BY_ACTS = "written by acts on an item (photos, uploads, reviewing, workflow, editing), which announce and are tried"
SILENT_MODELS = {
    **dict.fromkeys(("Photo", "PhotoVerdict", "PhotoRestoration", "Upload"), BY_ACTS),
    **dict.fromkeys(("Comment", "StatusChange", "Revision"), BY_ACTS),
    **dict.fromkeys(("Decision", "Document", "Bundle", "Contact", "Notice"), HIDDEN),
    **dict.fromkeys(("CannedReason", "PresetNumber", "NumberCounter"), HIDDEN),
}
SILENT = {
    "WorkItem.may_edit": "looks",
    "WorkItem.internal_notes_for": "looks",
    "WorkItem.objects.recount": UNTOLD,
    **{f"WorkItem.objects.{name}": "tried by the administration's action" for name in ("move_to_bin", "restore")},
    "StatusTotal.objects.rebuild": "tried by the task rebuild_totals",
    **{f"WorkItem.objects.{name}": BY_ACTS for name in ("update", "bulk_create", "bulk_update")},
    **{f"WorkItem.{name}": "by bins.destroy alone, which is tried" for name in ("delete", "objects.delete")},
    "StatusTotal.objects.shift": UNTOLD,
    **{
        f"StatusTotal.{name}": "by shift and rebuild alone"
        for name in (
            "save",
            "delete",
            *(f"objects.{each}" for each in ("update", "delete", "bulk_create", "bulk_update")),
        )
    },
}
