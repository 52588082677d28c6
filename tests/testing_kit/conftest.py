# Where the package is not installed, pytest does not find the plugin by itself.
from django_bgtasks.pytest_plugin import bgtasks, bgtasks_inline

__all__ = ["bgtasks", "bgtasks_inline"]
