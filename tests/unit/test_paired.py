"""The mean of paired differences: known answers, topics that lack one, clusters."""

import numpy as np
import pytest
from emovec.statistics.clustered import near_topics
from emovec.statistics.paired import LEAST_TOPICS, mean_difference

ALONE = np.eye(12, dtype=bool)


def test_means_are_of_the_topics_that_have_a_difference() -> None:
    rng = np.random.default_rng(0)
    d = rng.normal(size=(12, 3)) + np.array([0, 5, 5])
    d[:4, 1] = np.nan
    d[LEAST_TOPICS - 1 :, 2] = np.nan
    found = mean_difference(d, ALONE, 0.05, 499, rng, "upper", banded=True)
    assert found.count.tolist() == [12, 8, LEAST_TOPICS - 1]
    assert found.value[:2] == pytest.approx([d[:, 0].mean(), d[4:, 1].mean()])
    error = d[:, 0].std(ddof=1) / np.sqrt(12)
    reach = found.high[0] - found.value[0]
    assert reach == pytest.approx(2.201 * error, rel=1e-3)  # Student's t, 11 degrees
    assert found.p[1] < 0.01 < found.p[0] and (found.p_adjusted[:2] >= found.p[:2]).all()
    low, high = found.null
    assert low[0] < 0 < high[0] and found.value[1] > high[1]
    few = (found.value, found.low, found.high, found.p, found.p_adjusted, low, high)
    assert all(np.isnan(one[2]) for one in few)
    columns = found.columns()
    assert columns["n_topics"].tolist() == [12, 8, LEAST_TOPICS - 1]
    assert columns["ci_high"][0] == found.high[0] and "null_high" in columns


def test_topics_of_one_head_count_as_little_as_they_tell() -> None:
    """Four heads of three topics each, whose noise is the head's: few draws, a wide interval."""
    rng = np.random.default_rng(1)
    head = np.repeat(np.arange(4), 3)
    d = rng.normal(size=4)[head, None] + rng.normal(size=(12, 1)) * 0.01 + 2
    alone = mean_difference(d, ALONE, 0.05, 999, rng, "upper")
    together = mean_difference(d, near_topics(12, head), 0.05, 999, rng, "upper")
    assert together.value == alone.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert alone.p < 0.01 < 1 / 17 < together.p  # no more than 16 patterns of signs
