"""The data module of every task: listings in, loaders out."""

from __future__ import annotations

from collections.abc import Mapping

import lightning.pytorch as L
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset

from saccade.data.dataset import EpochSampler, FeatureDataset
from saccade.data.listing import Listing
from saccade.engine.readers import workers
from saccade.errors import DataError
from saccade.samples import Batch, Sample
from saccade.tasks.base import Task


class DataModule(L.LightningDataModule):
    """Loaders of the splits; each process reads its own share of every epoch."""

    def __init__(
        self,
        task: Task,
        listings: Mapping[str, Listing],
        *,
        selection: str,
        first_epoch: int = 0,
        features: Mapping[str, Tensor] | None = None,
    ) -> None:
        """``features``: what reaches the head, by split, where it has been computed and takes the images' place."""
        super().__init__()
        self.features = features or {}
        self.task = task
        self.listings = listings
        self.selection = selection
        self.first_epoch = first_epoch

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled or drawn by seed and epoch, with random transforms."""
        return self.loader("train", training=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The split that chooses the best epoch, in order."""
        return self.loader(self.selection, training=False)

    def loader(self, split: str, *, training: bool) -> DataLoader[Batch]:
        """Batches of a split; the last one may be smaller."""
        config, listing = self.task.config, self.listings[split]
        by_heart = config.trainer.overfit_batches is not None
        sampler = self._sampler(split, shuffle=training and not by_heart, training=training)
        if split in self.features:
            dataset: Dataset[Sample] = FeatureDataset(listing, self.features[split])
            readers = 0
        else:
            dataset = self.task.dataset(listing, training=training and not by_heart)
            readers = min(workers(config), max(1, len(sampler) // config.loader.batch_size))
            readers = readers if config.loader.workers != 0 else 0
        # BatchNorm cannot learn from a batch of one: that image waits for another epoch
        drop_last = training and len(sampler) % config.loader.batch_size == 1 < len(sampler)
        return DataLoader(
            dataset,  # type: ignore[arg-type]  # torch has no type for collated
            # torch thinks that keys are whole numbers
            batch_sampler=BatchSampler(sampler, config.loader.batch_size, drop_last=drop_last),  # type: ignore[arg-type]
            collate_fn=self.task.collate,
            num_workers=readers,
            persistent_workers=readers > 0,
            pin_memory=torch.cuda.is_available(),
            # a generator of its own: the loader's own draws must not move the one that dropout uses
            generator=torch.Generator().manual_seed(0),
        )

    def _sampler(self, split: str, *, shuffle: bool, training: bool) -> EpochSampler:
        config, listing = self.task.config, self.listings[split]
        rank, world = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        balance = listing.targets if training and config.loader.sampler == "balanced" else None
        sampler = EpochSampler(len(listing), seed=config.seed, shuffle=shuffle, rank=rank, world=world, balance=balance)
        # Lightning starts the readers of a resumed run before it tells the sampler which epoch it is
        sampler.set_epoch(self.first_epoch)
        if len(sampler) == 0:
            raise DataError(
                f"split {split}: {len(listing)} images cannot be shared by {world} processes; "
                "set trainer.devices to fewer, or make the split larger"
            )
        return sampler
