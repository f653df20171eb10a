"""The sentence on the best epochs."""

from __future__ import annotations

from saccade.report.epoch_words import epochs_sentence

from . import caption_run, spot_run

HOLDOUT = {"data": {"splits": {"holdout": {"n": 10}}}}
CHOSEN = {**HOLDOUT, "selection": {"metric": "cider", "split": "holdout", "best_epoch": 7, "best": 1.6}}


def test_the_chosen_epoch_stands_beside_the_best_bleu_and_meteor() -> None:
    """Of ``epochs``: BLEU-4 at 9 is 0.8 - 3 * 0.05, METEOR at 5 is 0.8 - 4 * 0.05; epoch 3 was not scored."""
    assert epochs_sentence(caption_run.epochs(), CHOSEN, "caption") == (
        "Epoch 7 was chosen: its CIDEr-D of 1.600 is the best on the holdout (10 images cut from the training split). "
        "The best BLEU-4 is that of epoch 9 (0.650), the best METEOR is that of epoch 5 (0.600). "
        "9 of 10 epochs were scored."
    )


def test_epochs_of_a_run_that_is_not_finished() -> None:
    """At epoch 2 CIDEr-D is 2 * (0.8 - 6 * 0.05 - 5 * 0.02), BLEU-4 0.65 - 7 * 0.02."""
    assert epochs_sentence(caption_run.epochs(2, meteor=False), HOLDOUT, "caption") == (
        "So far epoch 2 has the best CIDEr-D on the holdout (10 images cut from the training split) (0.800). "
        "The best BLEU-4 is that of epoch 2 (0.510)."
    )
    assert epochs_sentence([], CHOSEN, "caption") == ""
    assert epochs_sentence([{"epoch": 1, "train": {"loss": 1.0}}], {}, "caption") == "No epoch was scored."
    assert epochs_sentence([{"epoch": 1, "val": {"loss": 1.0}}], {}, "caption") == "No epoch was scored."


def test_text_spotting_has_three_h_means_and_the_lowest_error_rate() -> None:
    """Of ``spot_run.epochs``: word spotting at 6 is 0.9 - 2 * 0.1, letters at 8 are 0.05; east finds only."""
    selection = {"metric": "end_to_end_hmean", "split": "holdout", "best_epoch": 7, "best": 0.8}
    assert epochs_sentence(spot_run.epochs(), {**HOLDOUT, "selection": selection}, "spot") == (
        "Epoch 7 was chosen: its end-to-end H-mean of 0.800 is the best on the holdout (10 images cut from the "
        "training split). The best detection H-mean is that of epoch 9 (0.900), the best word spotting H-mean is that "
        "of epoch 6 (0.700), the lowest character error rate is that of epoch 8 (0.050)."
    )
    assert epochs_sentence(spot_run.epochs(3, reads=False), {}, "spot") == (
        "So far epoch 3 has the best detection H-mean on the holdout split (0.780)."
    )


def test_a_best_of_nought_is_not_told() -> None:
    row = {"epoch": 1, "val": {"end_to_end_hmean": 0.0, "detection_hmean": 0.25, "word_spotting_hmean": 0.0}}
    assert epochs_sentence([row], {}, "spot") == (
        "So far epoch 1 has the best end-to-end H-mean on the val split (0.000). The best detection H-mean is that of "
        "epoch 1 (0.250)."
    )


def test_tasks_with_one_metric_have_no_sentence() -> None:
    assert epochs_sentence([{"epoch": 1, "val": {"map": 0.5}}], {}, "multilabel") == ""
