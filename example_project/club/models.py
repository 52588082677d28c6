from django.conf import settings
from django.db import models


class Member(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    points = models.IntegerField(default=0)

    def __str__(self):
        return self.user.first_name or self.user.username


class Booking(models.Model):
    """Points as they were credited. A member's balance is the sum of these."""

    member = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="bookings"
    )
    points = models.IntegerField()
    reason = models.CharField(max_length=100)
    booked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.points:+} {self.reason}"


class Newsletter(models.Model):
    subject = models.CharField(max_length=100)
    body = models.TextField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return self.subject


class Delivery(models.Model):
    """A newsletter on its way to one member."""

    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, related_name="deliveries"
    )
    member = models.ForeignKey(Member, on_delete=models.CASCADE)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["newsletter", "member"], name="club_delivery_once"
            )
        ]

    def __str__(self):
        return f"{self.newsletter} to {self.member}"
