"""Computes again, with the programs the numbers are defined by, what promptgate computed, and holds both together."""

import collections
import json
import math
import sys
import warnings

import krippendorff
import numpy as np
import sacrebleu
from nltk.translate.gleu_score import sentence_gleu
from nltk.translate.meteor_score import single_meteor_score
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein
from rouge_score import rouge_scorer
from sklearn.metrics import cohen_kappa_score

NEAR = 1e-9
ROUGE = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
warnings.simplefilter("ignore")


TER = sacrebleu.TER()


class NoSynonyms:
    """Stands for WordNet, which promptgate does without."""

    @staticmethod
    def synsets(_):
        return []


def rouge(said, reference):
    scores = ROUGE.score(reference, said)
    return {name: [score.precision, score.recall, score.fmeasure] for name, score in scores.items()}


def of_pair(pair):
    said, reference = pair["said"], pair["reference"]
    second = "the cat sat on the mat ."
    numbers = {
        "levenshtein": Levenshtein.distance(said, reference),
        "ratio": fuzz.ratio(said, reference) / 100,
        "token_sort_ratio": fuzz.token_sort_ratio(said, reference) / 100,
        "token_set_ratio": fuzz.token_set_ratio(said, reference) / 100,
        "bleu": sacrebleu.sentence_bleu(said, [reference]).score / 100,
        "bleu_of_two": sacrebleu.sentence_bleu(said, [reference, second]).score / 100,
        "chrf": sacrebleu.sentence_chrf(said, [reference]).score / 100,
        "ter": min(TER.sentence_score(said, [reference]).score / 100, 1.0),
        "meteor": float(single_meteor_score(reference.split(), said.split(), wordnet=NoSynonyms)),
        "gleu": float(sentence_gleu([reference.split()], said.split())),
    }
    numbers.update(rouge(said, reference))
    return numbers


def near(ours, theirs):
    if isinstance(theirs, list):
        return all(near(a, b) for a, b in zip(ours, theirs))
    if ours is None or theirs is None or (isinstance(theirs, float) and math.isnan(theirs)):
        return ours is None and (theirs is None or math.isnan(theirs))
    return abs(ours - theirs) <= NEAR


def of_ratings(row):
    third = [math.nan if label is None else label for label in row["third"]]
    table = np.array([row["one"], row["other"], third], dtype=float)

    def alpha(level):
        try:
            return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))
        except ValueError:
            return None

    def kappa(weights):
        # All categories of the scale count, also those that nobody used.
        labels = list(range(row["categories"]))
        return float(cohen_kappa_score(row["one"], row["other"], labels=labels, weights=weights))

    return {
        "kappa": kappa(None),
        "kappa_quadratic": kappa("quadratic"),
        "nominal": alpha("nominal"),
        "ordinal": alpha("ordinal"),
        "interval": alpha("interval"),
    }


def main(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    compared, apart = collections.Counter(), []
    rows = [(pair["class"], pair, of_pair) for pair in data["pairs"]]
    rows += [("ratings", row, of_ratings) for row in data["ratings"]]
    for kind, row, compute in rows:
        for name, theirs in compute(row).items():
            compared[kind, name] += 1
            if not near(row[name], theirs):
                apart.append((kind, name, row[name], theirs, {key: row[key] for key in list(row)[:3]}))
    print("{} numbers compared, {} apart by more than {}".format(sum(compared.values()), len(apart), NEAR))
    for entry in apart[:20]:
        print("  apart:", json.dumps(entry, ensure_ascii=True)[:600])
    sys.exit(1 if apart else 0)


if __name__ == "__main__":
    main(sys.argv[1])
