from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path


def no_icon(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


urlpatterns = [
    path("admin/", admin.site.urls),
    # Browsers ask for it unbidden.
    path("favicon.ico", no_icon),
]
