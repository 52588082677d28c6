"""Settings of the example. The environment, or a file .env, may change them:

=====================  =====================================================
``DATABASE_URL``       SQLite in the data folder by default; as well
                       ``postgresql://user:password@host/name`` and
                       ``mysql://user:password@host/name``
``EMAIL_URL``          files in the data folder by default; as well
                       ``smtp+tls://user:password@host:587``
``MANAGER``            the address that the report of the day goes to
``EXAMPLE_DATA_DIR``   the data folder; ``.demo`` by default
``SITE_URL``           the address that links in e-mails begin with
``DEBUG``              on by default; when off, ``SECRET_KEY`` must be given
``ALLOWED_HOSTS``      separated by commas; this computer by default
=====================  =====================================================
"""

from pathlib import Path

import django
from environ import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env")

DATA_DIR = Path(env.str("EXAMPLE_DATA_DIR", default=str(BASE_DIR / ".demo")))
DATA_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str(
    "SECRET_KEY", default="only-for-this-computer" if DEBUG else Env.NOTSET
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_bgtasks",
    "example_project.club",
]
if django.VERSION < (6, 0):
    # Until 6.0 the Tasks framework is an app of its own.
    INSTALLED_APPS.append("django_tasks")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"

# The database: the site's data and its jobs are in the same one.

DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
}
DATABASE_OPTIONS = {
    "django.db.backends.sqlite3": {
        # Readers do not wait for the writer, nor the writer for readers.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        # A transaction that reads first and writes later would fail if another
        # wrote in between; one that begins as a writer waits for its turn.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    },
    "django.db.backends.mysql": {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
    },
}
DATABASES["default"]["OPTIONS"] = {
    **DATABASE_OPTIONS.get(DATABASES["default"]["ENGINE"], {}),
    **DATABASES["default"].get("OPTIONS", {}),
}

# The tasks.

TASKS = {
    "default": {
        "BACKEND": "django_bgtasks.backend.DatabaseBackend",
        "QUEUES": ["default", "mail", "reports"],
        "OPTIONS": {
            # For every task that does not say otherwise itself.
            "TIMEOUT": "10m",
            "RETENTION": {"successful": "7d", "failed": "30d"},
        },
    }
}

# E-mail.

MAIL = env.email_url("EMAIL_URL", default=f"filemail:///{DATA_DIR / 'mail'}")
DEFAULT_FROM_EMAIL = "The Lantern <club@example.com>"
MANAGERS = [env.str("MANAGER", default="manager@example.com")]
if django.VERSION < (6, 0):
    MANAGERS = [("Manager", address) for address in MANAGERS]
if django.VERSION < (6, 1):
    globals().update(MAIL)
else:
    MAIL_OPTIONS = {
        "EMAIL_FILE_PATH": "file_path",
        "EMAIL_HOST": "host",
        "EMAIL_PORT": "port",
        "EMAIL_HOST_USER": "username",
        "EMAIL_HOST_PASSWORD": "password",
        "EMAIL_USE_TLS": "use_tls",
        "EMAIL_USE_SSL": "use_ssl",
    }
    MAILERS = {
        "default": {
            "BACKEND": MAIL["EMAIL_BACKEND"],
            "OPTIONS": {
                option: MAIL[name]
                for name, option in MAIL_OPTIONS.items()
                if MAIL.get(name)
            },
        }
    }

# Logs: what the worker says of each job, and what tasks themselves say, with the
# job's id beside it.

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"job": {"()": "django_bgtasks.log.JobFilter"}},
    "formatters": {
        "worker": {
            "format": "{asctime} {levelname:<7} {message}",
            "style": "{",
        },
        "task": {
            "format": "{asctime} {levelname:<7} {message} (job {job_id}, "
            "attempt {attempt})",
            "style": "{",
        },
    },
    "handlers": {
        "worker": {"class": "logging.StreamHandler", "formatter": "worker"},
        "task": {
            "class": "logging.StreamHandler",
            "formatter": "task",
            "filters": ["job"],
        },
    },
    "loggers": {
        "django_bgtasks": {"handlers": ["worker"], "level": "INFO"},
        "example_project": {"handlers": ["task"], "level": "INFO"},
        # Django's own lines: the traceback of a failed task, and nothing that the
        # worker has said already.
        "django.tasks": {"level": "WARNING"},
        "django_tasks": {"level": "WARNING"},
    },
}
