"""Holds promptgate's comparisons of the LLMBar judges against numbers computed here from the raw recordings.

Usage: llmbar.py RESULTS DATA. RESULTS is what `cargo xtask cross-check` collected from the command; DATA is the folder of
public data. Nothing of promptgate's own arithmetic is used: binomials and distributions come from scipy, the
cluster-robust error from statsmodels, the score interval from the likelihood itself, the sign flip from a convolution.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from scipy import optimize, stats

ALPHA = 0.05
EXACT = 1e-9
# Ends of an interval are roots that both sides search for.
ROOT = 1e-7


def outcomes(data, judge, version):
    lines = (data / "llmbar" / "recordings" / judge / f"{version}.jsonl").read_text(encoding="utf-8").splitlines()
    answers = (json.loads(line) for line in lines if line.strip())
    return {answer["id"]: bool(answer["is_correct"]) for answer in answers}


def groups(data):
    lines = (data / "llmbar" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = (json.loads(line) for line in lines if line.strip())
    return {case["id"]: case["group"] for case in cases}


def mid_p(fixed, broken):
    n = fixed + broken
    if n == 0:
        return 1.0
    return stats.binom.sf(broken, n, 0.5) + 0.5 * stats.binom.pmf(broken, n, 0.5)


def score(fixed, broken, n, theta):
    """The score statistic at a difference theta, its nuisance found where the likelihood's slope is 0."""
    same = n - fixed - broken

    def slope(q):
        total = 0.0
        if fixed:
            total += fixed / (q + theta)
        if broken:
            total += broken / q
        if same:
            total -= 2 * same / (1 - 2 * q - theta)
        return total

    low, high = max(0.0, -theta), (1 - theta) / 2
    edge = 1e-15
    if slope(low + edge) <= 0:
        q = low
    elif slope(high - edge) >= 0:
        q = high
    else:
        q = optimize.brentq(slope, low + edge, high - edge, xtol=1e-16, rtol=1e-15)
    variance = n * (2 * q + theta - theta * theta)
    distance = fixed - broken - n * theta
    if variance <= 0:
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def score_interval(fixed, broken, n):
    z = stats.norm.ppf(1 - ALPHA)
    estimate = (fixed - broken) / n
    low = optimize.brentq(lambda theta: score(fixed, broken, n, theta) - z, -1 + 1e-9, estimate - 1e-12, xtol=1e-14)
    high = optimize.brentq(lambda theta: score(fixed, broken, n, theta) + z, estimate + 1e-12, 1 - 1e-9, xtol=1e-14)
    return low, high


def sign_flip(totals):
    """The exact share of sign vectors whose sum is at most the one seen; the totals are whole numbers."""
    steps = [abs(total) for total in totals if total]
    ways = np.zeros(2 * sum(steps) + 1)
    middle = sum(steps)
    ways[middle] = 1.0
    for step in steps:
        ways = 0.5 * (np.roll(ways, step) + np.roll(ways, -step))
    return float(ways[: middle + sum(totals) + 1].sum())


def clustered(differences, names):
    """Mean and bounds with the cluster-robust error. With one regressor statsmodels' factor is G/(G-1) alone."""
    codes = {name: at for at, name in enumerate(sorted(set(names)))}
    model = sm.OLS(np.array(differences, dtype=float), np.ones(len(differences)))
    keys = np.array([codes[name] for name in names])
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": keys}, use_t=True)
    half = stats.t.ppf(1 - ALPHA, len(codes) - 1) * fit.bse[0]
    return fit.params[0], fit.params[0] - half, fit.params[0] + half, len(codes)


class Checker:
    def __init__(self):
        self.compared = 0
        self.largest = 0.0

    def equal(self, what, found, expected):
        self.compared += 1
        if found != expected:
            sys.exit(f"{what}: promptgate says {found}, this script {expected}")

    def near(self, what, found, expected, within):
        self.compared += 1
        distance = abs(found - expected)
        self.largest = max(self.largest, distance)
        if not distance <= within:
            sys.exit(f"{what}: promptgate says {found!r}, this script {expected!r} (apart by {distance:.2e})")


def check(result, data, cluster_of, checker):
    before = outcomes(data, result["judge"], result["baseline"])
    after = outcomes(data, result["judge"], result["candidate"])
    ids = sorted(before)
    differences = [int(after[case]) - int(before[case]) for case in ids]
    fixed, broken, n = differences.count(1), differences.count(-1), len(ids)
    where = f"{result['judge']}, {result['baseline']} -> {result['candidate']}"

    flat, whole = result["flat"], result["clustered"]
    for ours in (flat, whole):
        checker.equal(f"{where}: fixed, broken, n", [ours["fixed"], ours["broken"], ours["n"]], [fixed, broken, n])
    checker.near(f"{where}: mid-p", flat["p_value"], mid_p(fixed, broken), EXACT)
    for end, ours, theirs in zip(("low", "high"), flat["interval"], score_interval(fixed, broken, n)):
        checker.near(f"{where}: score interval, {end}", ours, theirs, ROOT)

    totals = {}
    for case, difference in zip(ids, differences):
        totals[cluster_of[case]] = totals.get(cluster_of[case], 0) + difference
    checker.near(f"{where}: cluster sign flip", whole["p_value"], sign_flip(list(totals.values())), EXACT)
    mean, low, high, count = clustered(differences, [cluster_of[case] for case in ids])
    checker.equal(f"{where}: clusters", whole["clusters"], count)
    checker.near(f"{where}: difference", whole["difference"], mean, EXACT)
    checker.near(f"{where}: cluster interval, low", whole["interval"][0], low, EXACT)
    checker.near(f"{where}: cluster interval, high", whole["interval"][1], high, EXACT)
    q = ALPHA ** (1 / count)
    ruled_out = max(0.0, -min(low, q * mean - (1 - q)))
    checker.near(f"{where}: drop ruled out", whole["ruled_out"], ruled_out, EXACT)


def main():
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    data = Path(sys.argv[2])
    cluster_of = groups(data)
    for judge in sorted({result["judge"] for result in results}):
        checker = Checker()
        mine = [result for result in results if result["judge"] == judge]
        for result in mine:
            check(result, data, cluster_of, checker)
        print(f"{judge}: {len(mine)} pairs, {checker.compared} numbers agree, apart by at most {checker.largest:.1e}")
    if not results:
        sys.exit("there is nothing to compare")


if __name__ == "__main__":
    main()
