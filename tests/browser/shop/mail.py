"""The mail of a shop."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail

from django_bgtasks import task

logger = logging.getLogger("shop.mail")


@task(queue_name="mail")
def send_sign_up_mail(address: str) -> int:
    """Welcome somebody who has signed up."""
    logger.info("Sending by %s:%s", settings.EMAIL_HOST, settings.EMAIL_PORT)
    return send_mail("Welcome", "Nice to meet you.", "shop@example.com", [address])
