from __future__ import annotations

from benchmarks.growth import page


def sample(foreign=0.0, **values):
    return {
        "server": {"PostgreSQL": "15"},
        "figures": [
            {"name": name.replace("_", " "), "value": value, "unit": "ms"}
            for name, value in values.items()
        ],
        "foreign_cores": foreign,
    }


def report(part, vendor="postgresql", **places):
    samples = {label.replace("_", " "): some for label, some in places.items()}
    return {"vendor": vendor, "machine": {"CPUs": "2"}, "growth": {part: samples}}


def claim(value, **how):
    how |= {"claim and finish 100, p50": value, "claim and finish 1, p50": 1.0}
    return sample(**how)


def test_pieces_are_put_together_again():
    text = page.section(
        [
            report("sizes", **{"1_thousand_waiting": [claim(1.0), claim(2.0)]}),
            report("sizes", **{"1_thousand_waiting": [claim(9.0, foreign=0.5)]}),
            report("sizes", **{"10_million_waiting": [claim(2.0)]}),
        ]
    )
    assert "| | 1 thousand waiting | 10 million waiting |" in text
    assert "| claim and finish 100, p50 | 2 ms | 2 ms |" in text
    assert "Medians; samples of each: 1 to 3." in text
    assert "at most 0.50 of a core busy, 0.12 on average" in text


def test_what_grew_more_than_it_may_is_not_held():
    for most, verdict in ((1.2, "1.2 x <= 1.2 x: held."), (1.3, "**not held**")):
        places = {
            "1_thousand_waiting": [claim(1.0)],
            "10_million_waiting": [claim(most)],
        }
        lines = page.section([report("sizes", **places)]).splitlines()
        (line,) = (
            each for each in lines if each.startswith("The bar, claim and finish 100")
        )
        assert verdict in line


def test_without_a_measure_nothing_is_judged():
    text = page.section([report("sizes", **{"10_million_waiting": [claim(1.0)]})])
    assert "The bar" not in text


def test_each_vendor_has_pictures_of_its_own():
    reports = [
        report("sizes", vendor, **{"1_thousand_waiting": [claim(1.0)]})
        for vendor in ("postgresql", "sqlite")
    ]
    text = page.section(reports)
    assert text.count("### Many jobs") == 1
    assert "_static/growth-sizes.svg" in text
    assert "_static/growth-sizes-sqlite.svg" in text
