from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("example_project.club.urls")),
    # The state of single jobs, for the bar on the report's page.
    path("tasks/", include("django_bgtasks.urls")),
    # Signing in, and the page where a new member chooses a password.
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]
