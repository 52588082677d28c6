"""Results of tasks, shown to the person who asked for them and to nobody else."""

from django.http import Http404

try:
    from django.tasks import default_task_backend
    from django.tasks.exceptions import TaskResultDoesNotExist
except ImportError:
    from django_tasks import default_task_backend
    from django_tasks.exceptions import TaskResultDoesNotExist

_KEY = "jobs"
_REMEMBERED = 20


def remember(request, *results):
    """Let this browser's session see these results."""
    ids = [result.id for result in results]
    request.session[_KEY] = [*ids, *request.session.get(_KEY, [])][:_REMEMBERED]


def find(request, job_id):
    """Return a result of this session. Raise Http404 for anybody else's."""
    if str(job_id) not in request.session.get(_KEY, []):
        raise Http404("This job was not asked for from this browser.")
    try:
        return default_task_backend.get_result(str(job_id))
    except TaskResultDoesNotExist:
        raise Http404("This job is finished, and too old to be kept.") from None


def recent(request):
    """Return what this session has asked for, newest first."""
    found = []
    for job_id in request.session.get(_KEY, []):
        try:
            found.append(describe(find(request, job_id)))
        except Http404:
            continue
    return found


def describe(result):
    """Put a result into the words of the page and of its JSON."""
    progress = result.progress
    return {
        "id": result.id,
        "name": result.task.name.replace("_", " ").capitalize(),
        "state": _state(result),
        "finished": result.is_finished,
        "progress": progress and {"done": progress.done, "total": progress.total},
        "attempts": _attempts(result),
        "waited": _milliseconds(result.enqueued_at, result.started_at),
        "took": _milliseconds(result.last_attempted_at, result.finished_at),
    }


def _state(result):
    if result.is_finished:
        return result.outcome
    if result.status == "RUNNING":
        return "stopping" if result.cancel_requested else "running"
    return "to be retried" if result.errors else "waiting"


def _attempts(result):
    """Say of each attempt what became of it: failed ones left an error."""
    lines = []
    for error in result.errors:
        said = error.traceback.strip().splitlines()
        lines.append(said[-1] if said else error.exception_class_path)
    if result.attempts > len(lines):
        lines.append(_state(result))
    return lines


def _milliseconds(start, end):
    if start is None or end is None:
        return None
    return round((end - start).total_seconds() * 1000)
