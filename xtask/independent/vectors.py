"""Prints `fixtures/vectors/ours.json`: reference numbers for what `stats.json` lacks, by another way than promptgate's.

Exact fractions where a p is a count, scipy's distributions elsewhere. Run it with the Python of `cargo xtask cross-check`:

    target/independent/bin/python xtask/independent/vectors.py > fixtures/vectors/ours.json
"""

import itertools
import json
import math
import random
from fractions import Fraction

import numpy as np
import scipy
from scipy import stats

VECTORS = []


def vector(name, method, given, expected, tolerance, reference):
    VECTORS.append(
        {
            "id": name,
            "method": method,
            "kind": "reference",
            "input": given,
            "expected": expected,
            "tol": tolerance,
            "reference": reference,
        }
    )


CLOSE = {"abs": 1e-9, "rel": 1e-9}


def guard(estimate, units, alpha, low, high):
    q = alpha ** (1 / units)
    return q * estimate + (1 - q) * low, q * estimate + (1 - q) * high


def third(values):
    k = len(values)
    return float(stats.kstat(values, 3)) if k > 2 else 0.0


def bounds(sides, estimate, n, calls, alpha, ends, moment):
    spread = [(float(np.var(side, ddof=1)) / len(side), len(side) - 1) for side in sides]
    spread = [(v, df) for v, df in spread if v > 1e-30]
    total = sum(v for v, _ in spread)
    se = math.sqrt(total) / n
    low = high = estimate
    df = None
    if se > 0:
        df = max(1.0, total**2 / sum(v * v / d for v, d in spread))
        t = float(stats.t.ppf(1 - alpha, df))
        low = estimate - t * se - t * t / 2 * max(0.0, -moment) / se**2
        high = estimate + t * se + t * t / 2 * max(0.0, moment) / se**2
    g = guard(estimate, calls, alpha, *ends)
    return {"estimate": estimate, "se": se, "df": df, "lower": min(low, g[0]), "upper": max(high, g[1])}


def relabelled(cases):
    """The share of relabellings at or below what was seen, in exact fractions, case after case."""
    ways = {Fraction(0): 1}
    seen = Fraction(0)
    for baseline, candidate in cases:
        pool = [Fraction(x).limit_denominator(10**6) for x in baseline + candidate]
        k = len(candidate)
        seen += sum(pool[len(baseline) :], Fraction(0)) / k
        step = {}
        for chosen in itertools.combinations(pool, k):
            mean = sum(chosen, Fraction(0)) / k
            step[mean] = step.get(mean, 0) + 1
        merged = {}
        for total, count in ways.items():
            for mean, more in step.items():
                merged[total + mean] = merged.get(total + mean, 0) + count * more
        ways = merged
    total = sum(ways.values())
    return float(Fraction(sum(count for value, count in ways.items() if value <= seen), total))


def these_cases(name, cases, alpha=0.05):
    n = len(cases)
    estimate = float(np.mean([np.mean(after) - np.mean(before) for before, after in cases]))
    moment = sum(third(a) / len(a) ** 2 - third(b) / len(b) ** 2 for b, a in cases) / n**3
    sides = [side for case in cases for side in case]
    calls = n * min(len(after) for _, after in cases)
    expected = bounds(sides, estimate, n, calls, alpha, (-1.0, 1.0), moment)
    expected["p"] = relabelled(cases)
    given = {"baseline": [b for b, _ in cases], "candidate": [a for _, a in cases], "alpha": alpha}
    vector(name, "these_cases", given, expected, CLOSE, "relabellings counted in fractions; scipy t and k-statistics")


def candidate_alone(name, cases, alpha=0.05):
    n = len(cases)
    estimate = float(np.mean([np.mean(case) for case in cases]))
    moment = sum(third(case) / len(case) ** 2 for case in cases) / n**3
    expected = bounds(cases, estimate, n, n * min(map(len, cases)), alpha, (0.0, 1.0), moment)
    reference = "scipy t and k-statistics"
    vector(name, "these_cases_floor", {"candidate": cases, "alpha": alpha}, expected, CLOSE, reference)


def binary(passed, k):
    return [1.0] * passed + [0.0] * (k - passed)


def small_suites():
    whole = binary(5, 5)
    these_cases("example-25x5", [(binary(4, 5), binary(3, 5)), (whole, binary(4, 5))] + [(whole, whole)] * 23)
    these_cases(
        "example-3x3",
        [([0.9, 0.8, 0.85], [0.7, 0.8, 0.9]), ([1.0, 1.0, 1.0], [1.0, 1.0, 0.2]), ([0.4, 0.6, 0.5], [0.5, 0.5, 0.5])],
    )
    these_cases("nothing-moves", [(binary(3, 3), binary(3, 3))] * 25)
    these_cases("one-case-falls-whole", [(binary(3, 3), binary(0, 3))] + [(binary(3, 3), binary(3, 3))] * 24)
    these_cases("all-cases-fall-whole", [(binary(2, 2), binary(0, 2))] * 6)
    these_cases("two-trials", [(binary(2, 2), binary(1, 2)), (binary(1, 2), binary(2, 2)), (binary(2, 2), binary(2, 2))])
    these_cases("better", [(binary(1, 4), binary(3, 4))] * 5 + [(binary(4, 4), binary(4, 4))] * 5)
    these_cases("one-case", [([0.2, 0.4, 0.9], [0.1, 0.3, 0.5])])
    these_cases("other-level", [(binary(3, 5), binary(2, 5))] * 8, alpha=0.0125)
    dice = random.Random(20261126)
    for at, (n, k) in enumerate([(5, 3), (12, 3), (8, 5), (6, 2)]):
        flaky = [(binary(dice.randint(0, k), k), binary(dice.randint(0, k), k)) for _ in range(n)]
        these_cases(f"random-binary-{at}", flaky)
    for at, (n, a, b) in enumerate([(3, 3, 3), (2, 4, 4), (3, 2, 3), (4, 3, 2)]):
        draw = lambda k: [round(dice.random(), 3) for _ in range(k)]
        these_cases(f"random-scores-{at}", [(draw(a), draw(b)) for _ in range(n)])
    candidate_alone("floor-all-pass", [binary(3, 3)] * 25)
    candidate_alone("floor-flaky", [binary(4, 5), binary(5, 5), binary(2, 5), binary(5, 5)])
    candidate_alone("floor-scores", [[0.8, 0.9, 0.85], [0.4, 0.7, 0.6], [1.0, 1.0, 0.1]])


def flakes():
    def majority_fails(p, k):
        return sum(stats.binom.pmf(x, k, 1 - p) for x in range(k + 1) if 2 * x > k)

    def broken(p, k, c):
        passes = sum(stats.binom.pmf(x, k, p) for x in range(k + 1) if 2 * x > k)
        total = 0.0
        for x in range(k + 1):
            if 2 * x <= k:
                continue
            enough = sum(stats.binom.pmf(y, c, 1 - p) for y in range(c + 1) if 2 * (x + y) > k + c)
            total += stats.binom.pmf(x, k, 1 - p) * (enough if c else 1.0)
        return passes * total

    for p in (0.99, 0.95, 0.9, 0.5):
        for k, c in ((1, 0), (1, 3), (3, 0), (3, 3), (5, 3)):
            for n in (1, 25):
                given = {"p": p, "trials": k, "confirm": c, "cases": n}
                expected = {"blocked": 1 - (1 - broken(p, k, c)) ** n}
                vector(f"no-new-break-p{p}-k{k}-c{c}-n{n}", "no_new_break", given, expected, CLOSE, "scipy binom")
        given = {"p": p, "trials": 2, "confirm": 0, "cases": 10}
        vector(f"must-pass-p{p}", "must_pass", given, {"blocked": 1 - p**20}, CLOSE, "1 - p^(N k)")


def looks():
    """Levels of planned looks: C by Miwa's and Genz's integration in scipy's multivariate normal."""
    for looks, alpha, constant in ((5, 0.05, 1.7509),):
        levels = [float(stats.norm.sf(constant * math.sqrt(looks / k))) for k in range(1, looks + 1)]
        given = {"looks": looks, "alpha": alpha}
        tolerance = {"abs": 1e-4, "rel": 1e-3}
        vector("five-looks", "look_levels", given, {"levels": levels}, tolerance, "published constant 1.7509")
    vector("one-look", "look_levels", {"looks": 1, "alpha": 0.0125}, {"levels": [0.0125]}, CLOSE, "by definition")


def clusters():
    worse = [0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 0.95]
    not_worse = [0.1, 0.2, 0.35, 0.5, 0.7, 0.9]
    dice = random.Random(7)
    for at, sizes in enumerate(([1] * 12, [3, 1, 2, 4], [5, 5, 5])):
        largest, margin = max(sizes), 0.05
        units = [[round(dice.uniform(-1, 1), 3) for _ in range(size)] for size in sizes]
        product = lambda gain, stakes: math.log(np.mean([np.prod([1 + gain(l, unit) for unit in units]) for l in stakes]))
        expected = {
            "log_e_worse": product(lambda l, unit: -l * sum(unit) / largest, worse),
            "log_e_not_worse": product(
                lambda l, unit: l / (1 - margin) * (sum(unit) + margin * len(unit)) / largest, not_worse
            ),
        }
        given = {
            "diffs": [difference for unit in units for difference in unit],
            "clusters": [key for key, unit in enumerate(units) for _ in unit],
            "margin": margin,
        }
        vector(f"e-clusters-{at}", "e_clusters", given, expected, CLOSE, "products as written")


def draws():
    for draw in range(1, 7):
        level = Fraction(1, 20) if draw == 1 else Fraction(1, 20) / 2**draw
        vector(f"draw-{draw}", "draw_level", {"draw": draw, "alpha": 0.05}, {"level": float(level)}, CLOSE, "alpha / 2^r")


small_suites()
flakes()
looks()
clusters()
draws()
print(
    json.dumps(
        {
            "schema_version": 1,
            "project": "promptgate",
            "generated_with": {"numpy": np.__version__, "scipy": scipy.__version__},
            "vectors": VECTORS,
        },
        indent=1,
    )
)
