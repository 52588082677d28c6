from django.apps import AppConfig


class ClubConfig(AppConfig):
    name = "example_project.club"
    verbose_name = "The Lantern, a reading club"
