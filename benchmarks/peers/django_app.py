"""django-github-app as its documentation sets it up: it checks GitHub's signature, stores an EventLog row, answers.

    python -m benchmarks.peers.django_app migrate        makes the tables
    gunicorn benchmarks.peers.django_app:wsgi            its view for threads
    uvicorn benchmarks.peers.django_app:asgi             its asynchronous view

Kinder than its defaults: the deletion of old events that it begins each request with is off, SQLite is told WAL, FULL
and IMMEDIATE, connections stay open, and no middleware is in the way. The database is named by BENCH_DATABASE.
"""

import os
import sys

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path

settings.configure(
    SECRET_KEY="guards-nothing",  # noqa: S106 -- it guards nothing
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django_github_app"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BENCH_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
            },
        }
    },
    GITHUB_APP={
        "NAME": "bench",
        "WEBHOOK_SECRET": os.environ["BENCH_KEY"],
        "AUTO_CLEANUP_EVENTS": False,
        "LOG_ALL_EVENTS": True,
    },
)
django.setup()

from django_github_app.views import AsyncWebhookView, SyncWebhookView  # noqa: E402 -- needs the settings

_view = AsyncWebhookView if os.environ.get("BENCH_VIEW") == "async" else SyncWebhookView
urlpatterns = [path("hooks/event", _view.as_view())]
wsgi = get_wsgi_application()
asgi = get_asgi_application()

if __name__ == "__main__":
    call_command(*sys.argv[1:], verbosity=0)
