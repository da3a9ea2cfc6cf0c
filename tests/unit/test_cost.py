"""What a run cost is what its benchmark files say."""

from pathlib import Path

import pytest
from emovec.report.cost import SHOWN, WIDTH, costs

HEAD = "s\th:m:s\tmax_rss\tmean_load\tcpu_time\n"


def job(path: Path, seconds: float, rss: str = "100.5", cpu: str = "2") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}{seconds}\t0:00:01\t{rss}\t90\t{cpu}\n")


def test_jobs_are_added_up_by_rule_the_longest_first(tmp_path: Path) -> None:
    job(tmp_path / "join_norms.tsv", 1, "-", "NA")  # too short to be sampled
    job(tmp_path / "capture/one.tsv", 10)
    job(tmp_path / "capture/two.tsv", 30, "300", "50")
    first, second = costs(tmp_path)
    assert first == {"rule": "capture", "jobs": 2, "seconds": 40, "core_seconds": 52, "mb": 300,
                     "bar": "█" * WIDTH}  # fmt: skip
    assert (second["rule"], second["mb"], second["core_seconds"]) == ("join_norms", 0, 0)
    assert costs(tmp_path / "absent") == []


def test_cheap_rules_are_told_together(tmp_path: Path) -> None:
    for number in range(SHOWN + 3):
        job(tmp_path / f"rule{number}/a.tsv", 100 - number)
    found = costs(tmp_path)
    assert len(found) == SHOWN + 1 and found[-1]["rule"] == ""
    assert found[-1]["seconds"] == pytest.approx(90 + 89 + 88) and found[-1]["jobs"] == 3
