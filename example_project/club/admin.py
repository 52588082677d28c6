from django.contrib import admin

from .models import Booking, Delivery, Member, Newsletter


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    list_display = ["__str__", "user", "points"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__first_name"]
    readonly_fields = ["points"]


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin):
    list_display = ["booked_at", "member", "points", "reason"]
    list_select_related = ["member__user"]

    def has_add_permission(self, request):
        # A booking and the balance change together: see tasks.credit_points.
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Newsletter)
class NewsletterAdmin(admin.ModelAdmin):
    list_display = ["subject", "written_at"]
    search_fields = ["subject"]


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):
    list_display = ["newsletter", "member", "sent_at"]
    list_filter = [("sent_at", admin.EmptyFieldListFilter)]
    list_select_related = ["newsletter", "member__user"]
