"""The demo's work items: a dozen in every state, of people who cannot sign in, with photographs that nobody took."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, QuerySet

from perf import hints
from perf.clock import now
from workitems import photos
from workitems.editing import assign
from workitems.models import Comment, StatusChange, WorkItem
from workitems.pictures import photograph
from workitems.tasks import process_photos
from workitems.workflow import Status, move, submit

PICTURES = 4  # drawing one takes half a second, and the first start waits for it
MARK = "demo."  # how the names of the demo's people begin
PEOPLE = {
    "kaitlyn": ("Kaitlyn", "Moss", "crew"),
    "mark": ("Mark", "Lee", "crew"),
    "zach": ("Zach", "Ortiz", "crew"),
    "dana": ("Dana", "Price", "reviewer"),
    "alex": ("Alex", "Lund", "reviewer"),
}
SUBMITTED, IN_REVIEW, NEEDS_REVISION, AWAITING_PHOTOS, COMPLETED = Status


@dataclass(frozen=True, slots=True)
class Story:
    """One item: its words, its captions (a photo each), who sent it, and how far it went; `days` ago it began."""

    days: float
    crew: str
    location: str
    description: str
    detail: str
    captions: tuple[str, ...] = ()
    ofm: str = ""
    status: Status = SUBMITTED
    reviewer: str = "dana"
    reason: str = ""
    given_to: str = ""
    said: tuple[tuple[str, str], ...] = field(default=())


STORIES = (
    Story(
        *(0.1, "kaitlyn", "Engine room, port side", "Sea valve 3 weeps at the bonnet"),
        "Repack the gland, renew the bonnet gasket and test at working pressure.",
        ("Bonnet from above", "Tag plate", "Drip tray below"),
        ofm="Two gaskets, 80 mm",
    ),
    Story(
        *(0.4, "mark", "Main deck, frame 42", "Handrail stanchion bent and cracked at the weld"),
        "Crop and renew the stanchion; dress, prime and paint to match.",
        ("Crack at the foot", "Whole rail"),
    ),
    Story(
        *(1, "zach", "Galley", "Exhaust fan noisy, bearing worn"),
        "Renew both bearings and balance the impeller. Clean the duct while it is open.",
    ),
    Story(
        *(2, "kaitlyn", "Steering gear room", "Hydraulic hose chafes on the bracket"),
        "Renew the hose, fit a rubber sleeve and move the bracket by 40 mm.",
        ("Where it chafes", "Bracket"),
        status=IN_REVIEW,
        said=(("dana", "Is there a spare hose aboard?"), ("kaitlyn", "Yes, one, in locker 4.")),
    ),
    Story(
        *(3, "mark", "Bridge wing, starboard", "Window wiper motor seized"),
        "Renew the motor; check the fuse and the switch.",
        ("Motor housing",),
        status=IN_REVIEW,
        reviewer="alex",
    ),
    Story(
        *(4, "zach", "Pump room", "Bilge alarm does not sound at high level"),
        "Find the fault between float switch and panel; test with water.",
        ("Float switch", "Panel"),
        status=NEEDS_REVISION,
        reason="Photo 1 is blurred, please retake it with the tag plate. Say which bilge well it is.",
    ),
    Story(
        *(5, "kaitlyn", "Boat deck", "Davit limit switch sticks"),
        "Renew the switch and prove both end positions.",
        status=AWAITING_PHOTOS,
        reason="Please add a photo of the switch and one from farther away that shows where it is.",
        given_to="zach",
        said=(("alex", "Zach is nearer to it this week."),),
        reviewer="alex",
    ),
    Story(
        *(6, "mark", "Engine room, workshop", "Overhead light over the lathe flickers"),
        "Renew the fitting with a sealed one.",
        ("Fitting",),
        status=NEEDS_REVISION,
        reason="This is on another item already; say what is different here.",
    ),
    Story(
        *(9, "zach", "Accommodation, deck 2", "Shower drain blocked in cabin 214"),
        "Clear the drain to the stack and renew the trap.",
        ("Drain", "Trap under the tray"),
        status=COMPLETED,
        said=(("dana", "Good photos, thank you."),),
    ),
    Story(
        *(12, "kaitlyn", "Forepeak", "Paint blistered on frames 2 to 6"),
        "Blast to bright metal, two coats of epoxy.",
        ("Frame 2", "Frame 4", "Frame 6", "Whole space"),
        ofm="Epoxy, 20 l",
        status=COMPLETED,
        reviewer="alex",
    ),
    Story(
        *(18, "mark", "Generator 2", "Coolant header tank sight glass cracked"),
        "Renew the glass and its seals; pressure-test.",
        ("Sight glass", "Plate of its maker"),
        status=COMPLETED,
    ),
    Story(
        *(25, "zach", "Mooring deck aft", "Fairlead roller seized"),
        "Free the roller, renew the bush and fit a grease nipple.",
        ("Roller", "Pin"),
        status=COMPLETED,
    ),
)


def seed_items() -> int:
    """Tell the stories where there is no work item yet; how many items. All or none of them."""
    if WorkItem.objects.exists():
        return 0
    with transaction.atomic():
        people = {name: _person(name, *about) for name, about in PEOPLE.items()}
        for story in STORIES:
            _tell(story, people)
        hints.after_commit(process_photos, queue="images")
    return len(STORIES)


def items() -> QuerySet[WorkItem]:
    """The demo's items: those that its people sent."""
    return WorkItem.objects.filter(submitter__in=people())


def people() -> QuerySet[User]:
    """The demo's people: no password opens their accounts."""
    return User.objects.filter(username__in=[f"{MARK}{name}" for name in PEOPLE])


def forget_items() -> None:
    """Delete the demo's items and people; the janitor clears their photographs away."""
    WorkItem.objects.filter(pk__in=items().values("pk")).move_to_bin(None)
    items().delete()
    people().delete()


def _person(name: str, first: str, last: str, role: str) -> User:
    user, made = User.objects.get_or_create(username=f"{MARK}{name}", defaults={"first_name": first, "last_name": last})
    if made:
        user.set_unusable_password()
        user.save()
        user.groups.add(Group.objects.get(name=role))
    return user


def _tell(story: Story, people: dict[str, User]) -> None:
    crew, reviewer = people[story.crew], people[story.reviewer]
    words = {name: getattr(story, name) for name in ("location", "description", "detail", "ofm")}
    item = submit(WorkItem(**words), crew)
    for place, caption in enumerate(story.captions, 1):
        taken = ContentFile(_drawn((len(caption) + place) % PICTURES), name=f"IMG_{place:04d}.jpg")
        photos.add(item, taken, by=crew, key=f"demo-{place}", caption=caption)
    if story.given_to:
        assign(item, people[story.given_to], by=reviewer, version=item.version)
    if story.status != SUBMITTED:
        move(item, IN_REVIEW, by=reviewer, version=item.version)
    if story.status not in (SUBMITTED, IN_REVIEW):
        move(item, story.status, by=reviewer, version=item.version, reason=story.reason)
    _say(item, story, people)
    _age(item, timedelta(days=story.days))


@cache
def _drawn(which: int) -> bytes:
    return photograph(f"demo {which}", tag=f"TAG {which + 1}", taken=now())


def _say(item: WorkItem, story: Story, people: dict[str, User]) -> None:
    for name, text in story.said:
        author = people[name]
        by_reviewer = PEOPLE[name][2] == "reviewer"
        Comment.objects.create(
            work_item=item, author=author, author_name=author.get_full_name(), text=text, by_reviewer=by_reviewer
        )
    WorkItem.objects.filter(pk=item.pk).recount()


def _age(item: WorkItem, by: timedelta) -> None:
    """Move what happened to `item` into the past: sent `by` ago, and gone on since by half and half again."""
    WorkItem.objects.filter(pk=item.pk).update(
        submitted_at=F("submitted_at") - by, modified_at=F("modified_at") - by / 2
    )
    steps = list(StatusChange.objects.filter(work_item=item).order_by("pk"))
    for place, step in enumerate(steps):
        StatusChange.objects.filter(pk=step.pk).update(changed_at=F("changed_at") - by / 2**place)
    item.photos.update(created_at=F("created_at") - by)
    Comment.objects.filter(work_item=item).update(created_at=F("created_at") - by / 4)
