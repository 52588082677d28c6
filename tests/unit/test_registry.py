"""A row can name a declared task, and nothing else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

# Third-party apps may use the backport although Django has the framework.
from django_tasks import task as backport_task

from django_bgtasks import registry, task
from django_bgtasks.compat import CORE
from django_bgtasks.exceptions import UnknownTask

from .modules import gate

if CORE:
    from django.tasks import task as plain_task
else:
    plain_task = backport_task

HERE = __name__
MODULES = f"{__package__}.modules"


@task
def declared() -> None:
    pass


@plain_task
def plain() -> None:
    pass


@backport_task
def backported() -> None:
    pass


def undeclared() -> None:
    pass


def will_be_wrapped() -> None:
    pass


wrapped = task(will_be_wrapped)


@pytest.fixture
def forget_modules() -> Iterator[None]:
    """Have the modules beside this one imported anew."""
    yield
    for name in [name for name in sys.modules if name.startswith(f"{MODULES}.")]:
        if name != gate.__name__:
            del sys.modules[name]
    for path in [path for path in registry._declared if path.startswith(MODULES)]:
        del registry._declared[path]


def refusal(path: str, modules: tuple[str, ...] = (MODULES,)) -> str:
    with pytest.raises(UnknownTask) as refused:
        registry.resolve(path, modules)
    return str(refused.value)


def test_declared_task_is_found_by_its_path():
    assert registry.resolve(f"{HERE}.declared") is declared


def test_task_of_the_framework_is_found_as_well():
    assert registry.resolve(f"{HERE}.plain") is plain


def test_task_of_the_backport_is_found_beside_the_framework():
    assert registry.resolve(f"{HERE}.backported") is backported


def test_task_is_found_by_its_function_when_it_has_another_name():
    assert registry.resolve(f"{HERE}.will_be_wrapped") is wrapped


def test_copies_by_using_do_not_take_the_place_of_the_declared():
    declared.using(priority=5)
    assert registry.resolve(f"{HERE}.declared") is declared


def test_module_that_is_there_for_tasks_is_imported_when_a_job_names_it(
    forget_modules,
):
    assert f"{MODULES}.holds" not in sys.modules
    found = registry.resolve(f"{MODULES}.holds.declared", (MODULES,))
    assert found.module_path == f"{MODULES}.holds.declared"


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "subprocess.run",
        "builtins.eval",
        "shutil.rmtree",
        "django.core.management.call_command",
        "django_bgtasks.bgtask.task",
        f"{HERE}.undeclared",
        f"{HERE}.refusal",
        f"{HERE}.HERE",
        f"{HERE}.pytest",
        f"{MODULES}.holds.not_declared",
        f"{MODULES}.holds.IMPORTED",
        f"{MODULES}.holds.Shelf",
        # A name for the task that is not its function's own.
        f"{HERE}.wrapped",
        f"{MODULES}.holds.other_name",
    ],
)
def test_path_to_something_else_is_refused(path, forget_modules):
    assert f"{path!r} is no task: declare it with @task." in refusal(path)


@pytest.mark.parametrize("path", ["this.s", "antigravity.fly", "idlelib.run.main"])
def test_module_outside_of_the_project_is_never_imported(path):
    module = path.rpartition(".")[0]
    assert module not in sys.modules
    message = refusal(path)
    assert "is not the 'tasks' of an installed app" in message
    assert "OPTIONS['TASK_MODULES']" in message
    assert module not in sys.modules


def test_module_of_an_app_that_is_not_for_tasks_is_not_imported(forget_modules):
    message = refusal(f"{MODULES}.holds.declared", ())
    assert "is not the 'tasks' of an installed app" in message
    assert f"{MODULES}.holds" not in sys.modules


def test_app_whose_name_only_begins_alike_is_outside():
    assert "is not the 'tasks' of an installed app" in refusal(
        "tests_of_others.tasks.steal"
    )


@pytest.mark.parametrize(
    "path", ["", ".", "..", "task", ".task", "task.", "a..b", "\0.x", "é.ü", "a b.c"]
)
def test_text_that_is_no_path_is_refused(path):
    assert "names no task" in refusal(path)


def test_task_that_was_removed_or_renamed_is_told_of():
    message = refusal(f"{HERE}.renamed")
    assert (
        f"'{HERE}.renamed' names no task: module '{HERE}' has no 'renamed'" in message
    )
    assert "removed or renamed since the job was enqueued" in message


def test_module_that_was_removed_is_told_of():
    message = refusal(f"{MODULES}.removed.task")
    assert f"importing '{MODULES}.removed' failed with ModuleNotFoundError" in message


def test_module_that_breaks_is_told_of_with_its_reason(forget_modules):
    message = refusal(f"{MODULES}.breaks.task")
    assert "failed with RuntimeError: no setting SHOP_KEY" in message


def test_module_that_exits_takes_no_worker_with_it(forget_modules):
    assert "failed with SystemExit" in refusal(f"{MODULES}.exits.task")


def test_module_outside_of_the_apps_is_imported_if_the_options_name_it(
    tmp_path, monkeypatch
):
    (tmp_path / "outside_jobs.py").write_text(
        "from django_bgtasks import task\n@task\ndef job(): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert "is not the 'tasks' of an installed app" in refusal("outside_jobs.job")
    try:
        found = registry.resolve("outside_jobs.job", ("outside_jobs",))
        assert found.name == "job"
    finally:
        sys.modules.pop("outside_jobs", None)
        registry._declared.pop("outside_jobs.job", None)


def test_module_that_another_thread_imports_just_now_is_waited_for(forget_modules):
    gate.reached.clear()
    gate.opened.clear()
    path = f"{MODULES}.slow.late"
    found: list[object] = []

    def find() -> None:
        try:
            found.append(registry.resolve(path, (MODULES,)).module_path)
        except UnknownTask as error:
            found.append(error)

    first = threading.Thread(target=find)
    second = threading.Thread(target=find)
    try:
        first.start()
        assert gate.reached.wait(30)
        second.start()
        # Either it waits for the import, as it should, or it is wrong already.
        second.join(0.2)
    finally:
        gate.opened.set()
        first.join()
        second.join()
    assert found == [path, path]


def test_declared_tasks_can_be_listed():
    names = dict(registry.declared())
    assert names[f"{HERE}.declared"] is declared
    assert names[f"{HERE}.will_be_wrapped"] is wrapped
    assert list(names) == sorted(names)


def test_discovery_imports_the_tasks_of_the_apps():
    registry.discover()
    assert "tests.testapp.tasks" in sys.modules
    assert "tests.testapp.tasks.record" in dict(registry.declared())


def test_stand_in_for_a_task_that_is_gone_shows_its_path_and_cannot_run():
    gone = registry.missing("shop.tasks.sell")
    assert gone.module_path == "shop.tasks.sell"
    assert gone.name == "sell"
    with pytest.raises(UnknownTask, match=r"shop\.tasks\.sell"):
        gone.call()
