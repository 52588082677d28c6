from django.urls import path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-up/", views.sign_up, name="sign-up"),
    path("reports/", views.start_report, name="start-report"),
    path("rates/", views.start_rates, name="start-rates"),
    path("timings/", views.start_timings, name="start-timings"),
    path("points/", views.points, name="points"),
    path("newsletters/", views.newsletters, name="newsletters"),
    path("newsletters/<int:pk>/", views.newsletter, name="newsletter"),
    path(
        "newsletters/<int:pk>/status/",
        views.newsletter_status,
        name="newsletter-status",
    ),
    path("jobs/<uuid:job_id>/", views.job, name="job"),
    path("jobs/<uuid:job_id>/status/", views.job_status, name="job-status"),
    path("jobs/<uuid:job_id>/cancel/", views.cancel_job, name="cancel-job"),
    path("jobs/<uuid:job_id>/again/", views.run_job_again, name="run-job-again"),
]
