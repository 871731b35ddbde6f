"""Every method of the models of work items that writes: tried, or with the reason why it says nothing by itself."""

from __future__ import annotations

from tests.project.item_doorways import HERE, SHOWN, Items, writes
from tests.project.writers import HIDDEN, UNTOLD, Writer
from workitems.models import StatusTotal, WorkItem
from workitems.workflow import Status


def _saved(w: Items) -> None:
    w.item.location = "Depot"
    w.item.save()


def _drifted(w: Items) -> None:
    WorkItem._base_manager.filter(pk=w.reviewed.pk).update(status=Status.SUBMITTED)
    StatusTotal.objects.rebuild()


MODELS: dict[str, Writer] = {
    "WorkItem.save": writes(_saved, *SHOWN, "item"),
    "WorkItem.objects.move_to_bin": writes(
        lambda w: WorkItem.objects.filter(pk=w.item.pk).move_to_bin(w.root), *HERE, "mine"
    ),
    "WorkItem.objects.restore": writes(lambda w: WorkItem.objects.filter(pk=w.binned.pk).restore(w.root), *SHOWN),
    "StatusTotal.objects.rebuild": writes(_drifted, *SHOWN),
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
