"""The tasks of the club. Each shows something else that a task can do."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ObjectDoesNotExist
from django.core.mail import mail_managers, send_mail
from django.core.management import call_command
from django.db.models import F, Sum
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from django_bgtasks import Retry, exponential, linear, periodic, task

from .models import Booking, Delivery, Member

logger = logging.getLogger(__name__)

# Seconds that a day of the report takes. It stands for real work.
REPORT_PAUSE = 0.1


@task(
    queue_name="mail",
    max_attempts=5,
    backoff=exponential(5, maximum=600),
    no_retry_on=ObjectDoesNotExist,
    timeout=30,
)
def send_welcome_email(member_id: int) -> str:
    """If the mail server fails, try again after 5, 10, 20 and 40 seconds."""
    user = Member.objects.select_related("user").get(pk=member_id).user
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    path = reverse("password_reset_confirm", args=[uid, token])
    context = {"user": user, "link": settings.SITE_URL + path}
    body = render_to_string("club/welcome.txt", context)
    send_mail("Welcome to The Lantern", body, None, [user.email])
    logger.info("Welcomed %s", user.email)
    return user.email


@task(atomic=True)
def credit_points(member_id: int, points: int, reason: str) -> int:
    """Book points exactly once, and return the new balance.

    A task runs again when its worker is killed. With ``atomic=True`` what it wrote
    and "this job is done" are one transaction, so a second run adds nothing twice.
    """
    Member.objects.filter(pk=member_id).update(points=F("points") + points)
    Booking.objects.create(member_id=member_id, points=points, reason=reason)
    return Member.objects.get(pk=member_id).points


@task(queue_name="mail", priority=-10, max_attempts=3, backoff=linear(30))
def deliver_newsletter(delivery_id: int) -> bool:
    """Send one letter; the low priority lets welcome e-mails pass.

    E-mail cannot be taken back by a database. The note that it was sent keeps a
    second run from sending it twice, except where the first died in between.
    """
    delivery = Delivery.objects.select_related("newsletter", "member__user").get(
        pk=delivery_id
    )
    if delivery.sent_at is not None:
        return False
    letter, user = delivery.newsletter, delivery.member.user
    send_mail(letter.subject, letter.body, None, [user.email])
    Delivery.objects.filter(pk=delivery_id).update(sent_at=timezone.now())
    return True


@task(queue_name="reports", takes_context=True, max_attempts=3, timeout=300)
def build_report(context, days: int = 30) -> dict:
    """Count a day at a time, telling how far it has come.

    Finished days are kept in the job's metadata. So after a crash, or where the
    worker has to stop, the next attempt goes on from there.
    """
    rows = context.metadata.setdefault("rows", [])
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while len(rows) < days:
        if context.should_stop:
            context.save_metadata()
            raise Retry("The worker stops; the next one goes on.", after=0)
        rows.append(_count_day(today - timedelta(days=days - 1 - len(rows))))
        context.progress(len(rows), days)
        if len(rows) % 5 == 0:
            context.save_metadata()
    return {"rows": rows}


def _count_day(start: datetime) -> list:
    time.sleep(REPORT_PAUSE)
    day = (start, start + timedelta(days=1))
    members = Member.objects.filter(
        user__date_joined__gte=day[0], user__date_joined__lt=day[1]
    )
    bookings = Booking.objects.filter(booked_at__gte=day[0], booked_at__lt=day[1])
    points = bookings.aggregate(total=Sum("points", default=0))["total"]
    return [start.date().isoformat(), members.count(), points]


@periodic("0 18 * * mon-fri", timezone="Europe/London", editable=True, missed="skip")
@task(queue_name="mail", takes_context=True, max_attempts=3)
def mail_day(context) -> str:
    """Tell the managers, on weekdays at six, who has joined since the day before.

    The day is that of the due moment, however late a worker gets to it.
    """
    until = context.scheduled_for or timezone.now()
    joined = Member.objects.filter(
        user__date_joined__gt=until - timedelta(days=1), user__date_joined__lte=until
    )
    subject = f"The Lantern: {joined.count()} new members"
    names = joined.values_list("user__first_name", flat=True)
    mail_managers(subject, "\n".join(names) or "Nobody today.")
    return subject


@periodic("30 3 * * *", timezone="Europe/London", overlap="skip")
@task
def clean_up() -> None:
    """Each night, delete sessions that have ended."""
    call_command("clearsessions")


@task
def count_members() -> int:
    """Made for a schedule of your own: add one in the admin."""
    return Member.objects.count()


@task(takes_context=True, max_attempts=5, backoff=exponential(0.5, jitter=0))
def look_up_rates(context) -> dict:
    """Ask a service that answers the third time only, so that retries show."""
    if context.attempt < 3:
        raise ConnectionError(f"No answer to question {context.attempt}.")
    return {"EUR": 1.0, "GBP": 0.86, "USD": 1.08}


@task(timeout=20)
async def time_pages(base_url: str, paths: list[str]) -> dict:
    """Ask for pages of this site, all at once, and return how long each took.

    An ``async def`` task runs on the worker's event loop beside many others, so
    that hundreds of them may wait for the network together.
    """
    times = await asyncio.gather(*(_time_page(base_url, path) for path in paths))
    return dict(zip(paths, times, strict=True))


async def _time_page(base_url: str, path: str) -> str:
    address = urlsplit(base_url)
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection(address.hostname, address.port or 80)
    try:
        request = f"GET {path} HTTP/1.0\r\nHost: {address.netloc}\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()
        await reader.readline()
    finally:
        writer.close()
    return f"{(time.perf_counter() - started) * 1000:.0f} ms"
