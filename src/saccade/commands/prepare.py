"""``saccade data prepare``: a data set as it is distributed becomes one that can be trained on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from saccade.console import progress_bar, say
from saccade.data import imagenet
from saccade.data.archives import size_text


def prepare_imagenet(source: Path, target: Path) -> tuple[imagenet.Split, imagenet.Split]:
    """Unpack the official tar files of ILSVRC 2012 in ``source`` to folders of classes in ``target``.

    Stopped at any point, a second call goes on. What the splits hold, train and val, is said and returned.

    Raises:
        DataError: a tar file is missing, damaged or unsafe, or the disk is too small.
    """
    plan = imagenet.plan(source, target)
    if plan.n_bytes:
        say(f"unpacking {size_text(plan.n_bytes)} to {target}; when it is stopped, the same command goes on")
    with progress_bar(in_bytes=True) as bar:
        task = bar.add_task("unpacking", total=plan.n_bytes)
        imagenet.unpack(plan, progress=partial(bar.advance, task))
    found = imagenet.found(plan)
    for split in found:
        say(imagenet.told(split))
    if any(split.differing for split in found):
        say(f"to mend a class, get a whole tar, remove the folder of the class in {target}, and repeat the command")
    say(f"now: saccade train imagenet-resnet18 data.root={target}")
    return found
