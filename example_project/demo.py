"""``make demo``: the example at work, told in a few lines.

It starts the site and its workers, does over HTTP what a visitor would do, and
shows what came of it. In a terminal it then stays until Ctrl-C; elsewhere it ends,
with exit code 0 if everything came that should. Environment, beside that of the
settings: ``DEMO_PATIENCE``, the seconds to wait for each thing (60).
"""

import os
import sys
from pathlib import Path

# A script's own folder is where Python looks; the project is one above.
sys.path[0] = str(Path(__file__).resolve().parent.parent)


def main():
    import django

    from example_project.demo_parts.processes import free_port

    os.environ["DJANGO_SETTINGS_MODULE"] = "example_project.settings"
    os.environ["SITE_URL"] = f"http://127.0.0.1:{free_port()}"
    django.setup()

    from example_project.demo_parts.play import play

    return play()


if __name__ == "__main__":
    sys.exit(main())
