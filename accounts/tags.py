"""Tags: free words that group accounts across organisations, and every way to set them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import CharField, Count, OuterRef, Subquery
from django.dispatch import receiver

from accounts.cache import ACCOUNT, ACCOUNTS
from accounts.holds import HoldQuerySet
from accounts.writing import CHUNK, Row, chunked
from perf.cache import forget
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person

LONGEST = 50  # characters of a tag
MOST = 50  # tags in one filter, change or line of a roster
TAKEN = "There is a tag of this name already."
SEPARATORS = ";,"  # between tags in one cell or field; no tag holds them
Pair = tuple[int, int]  # account id, tag id


class NotATag(ValueError):
    """A text that cannot be a tag; says why."""


def clean_tag(raw: str) -> str:
    """`raw` as a tag is stored and shown: composed, without blanks around it, single ones within. Raises NotATag."""
    name = " ".join(unicodedata.normalize("NFC", raw).split())
    if not name:
        raise NotATag("A tag is a word or a few, not nothing.")
    if len(name) > LONGEST:
        raise NotATag(f"“{name[:20]}…” is longer than {LONGEST} characters.")
    if not name.isprintable() or any(separator in name for separator in SEPARATORS):
        raise NotATag(f"“{ascii(name)[1:-1]}” cannot be a tag: it holds a comma, a semicolon or a control character.")
    return name


def clean_tags(raw: Iterable[str]) -> list[str]:
    """The tags in `raw`, each once whatever its case, sorted; blank ones say nothing. Raises NotATag."""
    names = {tag_key(name): name for name in map(clean_tag, filter(str.strip, raw))}
    if len(names) > MOST:
        raise NotATag(f"These are more than {MOST} tags.")
    return [names[key] for key in sorted(names)]


def split_tags(text: str) -> list[str]:
    """The tags of one cell or field, separated by semicolons or commas. Raises NotATag."""
    return clean_tags(text.replace(",", ";").split(";"))


def tag_key(name: str) -> str:
    """The form under which a tag is unique: case makes no difference."""
    return unicodedata.normalize("NFC", name.casefold())


class TagQuerySet(models.QuerySet["Tag"]):
    """Tags, by what callers need of them."""

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert tags that no account carries yet; the list of all tags forgets."""
        with transaction.atomic():
            forget(ACCOUNTS)
            return super().bulk_create(objs, *args, **kwargs)

    def update(self, **values: Any) -> int:
        """Change the rows (bulk_update comes through here too); whatever shows a tag forgets."""
        with transaction.atomic():
            forget(ACCOUNTS, ACCOUNT)
            return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # Django's own mark: templates may not call it

    def with_counts(self) -> Self:
        """Each with `number`, how many accounts carry it, in order of name."""
        return self.annotate(number=Count("accounts")).order_by("key")

    def counts(self) -> list[tuple[str, int]]:
        """(name, how many accounts carry it), in order of name."""
        return [(tag.name, tag.number) for tag in self.with_counts()]  # type: ignore[attr-defined]  # annotated above

    def locked_by_name(self, names: Collection[str]) -> dict[str, int]:
        """Ids by key of the tags `names`, made where they are missing and kept from deletion in this transaction."""
        wanted = {tag_key(name): name for name in names}
        found: dict[str, int] = {}
        while missing := wanted.keys() - found.keys():  # again only where another transaction deletes one meanwhile
            made = [Tag(name=wanted[key], key=key) for key in sorted(missing)]
            Tag.objects.bulk_create(made, ignore_conflicts=True)
            locked = self.filter(key__in=missing).order_by("pk").select_for_update()
            found |= dict(locked.values_list("key", "pk"))
        return found


class Tag(models.Model):
    """One tag. `key` decides which is which; `name` is what people see."""

    name = models.CharField(max_length=LONGEST)
    key = models.CharField("name", max_length=4 * LONGEST, editable=False)  # folding case may lengthen a text

    objects = TagQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="tag_key_uniq")]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """Store the row with its `key`; a new name makes stale whatever shows its accounts."""
        self.key = tag_key(self.name)
        with transaction.atomic():
            same = Tag.objects.filter(pk=self.pk, name=self.name).exists()
            super().save(**options)
            if not same:
                forget(ACCOUNTS)  # which holds the list of all tags, also of those that no account carries
                self.accounts.all().announce_tags()

    def clean(self) -> None:
        """Refuse a name that cannot be a tag."""
        try:
            self.name = clean_tag(self.name)
        except NotATag as refusal:
            raise ValidationError({"name": str(refusal)}) from refusal
        self.key = tag_key(self.name)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Check that the name is free also where a form does not show its key."""
        try:
            super().validate_constraints(set(exclude or ()) - {"key"})
        except ValidationError as refusal:
            raise ValidationError({"name": TAKEN}) from refusal

    def rename(self, name: str, by: Person) -> None:
        """Call the tag `name` on every account. Raises ValidationError (by field), also when there is such a tag."""
        before, self.name = self.name, name
        self.full_clean()
        try:
            with transaction.atomic():
                self.save()
                happened(by, "tags.rename", self.name, {"id": self.pk, "from": before})
        except IntegrityError as error:  # somebody made it since full_clean looked
            raise ValidationError({"name": TAKEN}) from error

    def drop(self, by: Person) -> int:
        """Take the tag off every account and delete it; how many carried it."""
        with transaction.atomic():
            carried = self.accounts.count()
            happened(by, "tags.delete", self.name, {"id": self.pk, "accounts": carried})
            self.delete()
        return carried


class AccountTagQuerySet(models.QuerySet["AccountTag"]):
    """Which account carries which tag."""

    def names_of(self, ids: Collection[int]) -> dict[int, list[str]]:
        """The tags of the accounts `ids` by name, sorted; every id is there."""
        names: dict[int, list[str]] = {account_id: [] for account_id in ids}
        rows = self.filter(account__among=names).order_by("tag__key")
        for account_id, name in rows.values_list("account_id", "tag__name"):
            names[account_id].append(name)
        return names

    def write(self, *, add: Collection[Pair], remove: Collection[Pair]) -> None:
        """Store and delete these pairs. The caller holds the accounts' locks and announces the change."""
        rows = [AccountTag(account_id=account_id, tag_id=tag_id) for account_id, tag_id in sorted(add)]
        AccountTag.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
        leaving: dict[int, list[int]] = {}
        for account_id, tag_id in remove:
            leaving.setdefault(tag_id, []).append(account_id)
        for tag_id, ids in sorted(leaving.items()):
            self.filter(tag=tag_id, account__among=ids).delete()


class AccountTag(models.Model):
    """One account carries one tag."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)

    objects = AccountTagQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "tag"], name="account_tag_uniq")]
        indexes = [models.Index(fields=["tag", "account"], name="ix_account_tag_tag")]

    def __str__(self) -> str:
        return f"account {self.account_id}, tag {self.tag_id}"


class TagNames(Subquery):
    """All tags of the account that a row has at the path `account`, by name and joined as split_tags takes them."""

    output_field = CharField()

    def __init__(self, account: str) -> None:
        carried = AccountTag.objects.filter(account=OuterRef(account)).order_by("tag__key")
        super().__init__(carried.values("tag__name"))

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="ARRAY_TO_STRING(ARRAY(%(subquery)s), '; ')")

    def as_sqlite(self, compiler: Any, connection: Any) -> Any:
        joined = "COALESCE((SELECT GROUP_CONCAT(name, '; ') FROM (%(subquery)s)), '')"
        return self.as_sql(compiler, connection, template=joined)


class Retagged(NamedTuple):
    """What a change of many accounts' tags did or would do: how many accounts each tag was put on or taken off."""

    accounts: int
    added: dict[str, int]
    removed: dict[str, int]


class TaggingQuerySet(HoldQuerySet[Row]):
    """Accounts by their tags, and changes of many accounts' tags, each announced once for all its rows."""

    def tagged(self, names: Iterable[str]) -> Self:
        """Those that carry every one of the tags `names`, whatever the case."""
        rows = self
        for name in names:
            carrying = AccountTag.objects.filter(tag__key=tag_key(name))
            rows = rows.filter(pk__in=carrying.values("account_id"))
        return rows

    def retag(
        self, by: Person, *, add: Iterable[str] = (), remove: Iterable[str] = (), dry_run: bool = False
    ) -> Retagged:
        """Put the tags `add` on these accounts and take `remove` off them; new tags are made. Audited.

        Raises NotATag, also for a tag that is to be both added and removed; then nothing changed.
        """
        gained, lost = clean_tags(add), clean_tags(remove)
        if both := {tag_key(name) for name in gained} & {tag_key(name) for name in lost}:
            raise NotATag(f"“{min(both)}” cannot be added and removed at once.")
        with transaction.atomic():
            ids = list(self.order_by("pk").values_list("pk", flat=True)) if dry_run else self._locked_ids()
            have = _carriers(ids, [*gained, *lost])
            adding = {name: [pk for pk in ids if pk not in have[tag_key(name)]] for name in gained}
            removing = {name: [pk for pk in ids if pk in have[tag_key(name)]] for name in lost}
            done = Retagged(len(ids), _numbers(adding), _numbers(removing))
            if not dry_run:
                self._retag(adding, removing)
                if any((*done.added.values(), *done.removed.values())):
                    detail = {"added": done.added, "removed": done.removed, "ids": ids}
                    happened(by, "accounts.tag", f"{len(ids)} accounts", detail)
        return done

    def set_tags(self, tags: Mapping[int, Collection[str]]) -> None:
        """Give those of these accounts that `tags` names by id exactly these tags, as clean_tags made them.

        The caller records who did it.
        """
        adding: dict[str, list[int]] = {}
        removing: dict[str, list[int]] = {}
        with transaction.atomic():
            have = AccountTag.objects.names_of(self.filter(pk__among=tags)._locked_ids())
            for pk, names in have.items():
                before, after = ({tag_key(name): name for name in given} for given in (names, tags[pk]))
                for key in after.keys() - before.keys():
                    adding.setdefault(after[key], []).append(pk)
                for key in before.keys() - after.keys():
                    removing.setdefault(before[key], []).append(pk)
            self._retag(adding, removing)

    def announce_tags(self) -> None:
        """Say that the tags of these accounts changed, inside the transaction that changes them."""
        self._write(self._locked_ids(), {"tags"})

    def _retag(self, adding: dict[str, list[int]], removing: dict[str, list[int]]) -> None:
        tag_ids = Tag.objects.locked_by_name([name for name, ids in (adding | removing).items() if ids])
        AccountTag.objects.write(
            add=[(pk, tag_ids[tag_key(name)]) for name, ids in adding.items() for pk in ids],
            remove=[(pk, tag_ids[tag_key(name)]) for name, ids in removing.items() for pk in ids],
        )
        self._write(sorted({pk for ids in (adding | removing).values() for pk in ids}), {"tags"})


def _carriers(ids: Collection[int], names: Iterable[str]) -> dict[str, set[int]]:
    """Which of the accounts `ids` carry each of the tags `names`, by its key."""
    have: dict[str, set[int]] = {tag_key(name): set() for name in names}
    rows = AccountTag.objects.filter(account__among=ids, tag__key__in=have)
    for key, account_id in rows.values_list("tag__key", "account_id"):
        have[key].add(account_id)
    return have


def _numbers(found: dict[str, list[int]]) -> dict[str, int]:
    return {name: len(ids) for name, ids in found.items()}


@receiver(models.signals.m2m_changed, sender=AccountTag)
def announce_tagging(
    *, instance: Any, action: str, reverse: bool, model: Any, pk_set: Collection[int] | None, **_: Any
) -> None:
    """Tell of every change through `account.tags` or `tag.accounts`, inside its transaction."""
    if action == "pre_clear":  # afterwards nobody knows whose tags they were
        (instance.accounts.all() if reverse else type(instance).objects.filter(pk=instance.pk)).announce_tags()
    elif action in ("post_add", "post_remove") and pk_set:
        accounts = model.objects if reverse else type(instance).objects
        for part in chunked(sorted(pk_set) if reverse else [instance.pk]):
            accounts.filter(pk__in=part).announce_tags()


@receiver(models.signals.pre_delete, sender=Tag)
def announce_tag_deletion(instance: Tag, **_: Any) -> None:
    """Tell of a tag that goes, whoever asked for it, while it still says whose it was."""
    with transaction.atomic():
        forget(ACCOUNTS)
        instance.accounts.all().announce_tags()
