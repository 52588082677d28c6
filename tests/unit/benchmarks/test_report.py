from __future__ import annotations

import pytest

from benchmarks import docs, report


def result(vendor="postgresql", **values):
    samples = [
        {
            "subject": key.split("__")[0],
            "name": key.split("__")[1].replace("_", " "),
            "value": value,
            "unit": "/s",
            "foreign_cores": 0.0,
        }
        for key, value in values.items()
    ]
    return {"vendor": vendor, "versions": {"Server": "1"}, "samples": samples}


def test_medians_are_of_all_results_of_a_vendor():
    results = [result(us__call=value) for value in (1, 5, 2)]
    results.append(result("sqlite", us__call=9))
    found = report.found_in(results)
    assert found["postgresql", "us", "call"].middle == 2
    assert found["sqlite", "us", "call"].middle == 9


def test_ours_are_judged_by_results_that_have_the_other_too():
    figure = "drain_1x1_seen"
    both = {f"bgtasks__{figure}": 200.0, f"pgqueuer__{figure}": 100.0}
    table = report.judgements([result(bgtasks__drain_1x1_seen=1.0), result(**both)])
    (line,) = (line for line in table.splitlines() if "1 process of 1 thread" in line)
    assert "| 200/s | >= 1 x pgqueuer | 2.00 x | yes |" in line


def test_subjects_stand_beside_each_other_fastest_first():
    found = report.found_in([result(slow__drain_2x1_seen=1, fast__drain_2x1_seen=2)])
    table = report.comparison(found, "postgresql", {"fast": "Fast"})
    assert table.splitlines() == [
        "| | drain, 2 processes |",
        "|---|---|",
        "| Fast | 2/s |",
        "| slow | 1/s |",
    ]


def test_only_what_lies_between_the_marks_is_renewed():
    page = (
        "before\n<!-- figures: made by python -m benchmarks docs -->\nold\n"
        "<!-- /figures -->\nafter\n"
    )
    once = docs.renewed(page, "figures", r"new \1")
    assert "old" not in once
    assert r"new \1" in once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert docs.renewed(once, "figures", r"new \1") == once


def test_a_page_without_marks_is_left_alone():
    with pytest.raises(ValueError, match="lacks"):
        docs.renewed("before", "figures", "new")
