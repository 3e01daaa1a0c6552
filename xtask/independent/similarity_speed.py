"""Prints the microseconds that each program takes for a pair, the best of several rounds, on one core."""

import json
import sys
import time

import sacrebleu
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from rouge_score import rouge_scorer

with open(sys.argv[1], encoding="utf-8") as file:
    PAIRS = json.load(file)
SAID = [said for said, _ in PAIRS]
REFERENCES = [reference for _, reference in PAIRS]
ROUGE = rouge_scorer.RougeScorer(["rougeL"])


def best(rounds, once):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        once()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6 / len(PAIRS)


def rouge():
    for said, reference in PAIRS:
        ROUGE.score(reference, said)


# One round: tokens are kept from call to call.
def bleu():
    metric = sacrebleu.BLEU(effective_order=True)
    for said, reference in PAIRS:
        metric.sentence_score(said, [reference])


def edits():
    process.cpdist(SAID, REFERENCES, scorer=Levenshtein.distance, workers=1)


print(json.dumps({"rouge-l": best(2, rouge), "bleu": best(1, bleu), "edit-distance": best(5, edits)}))
