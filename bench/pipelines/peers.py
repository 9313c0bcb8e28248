"""The same task in other libraries, as their users write it, the fastest forms that were found.

Like akid's, brightness and contrast round and clip to bytes; the tuned forms compute in float32 and clip once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial

import numpy as np

from pipelines.task import BATCH, ROWS, SIZE, Task

Named = list[tuple[str, Callable[[], Generator[np.ndarray]]]]
Transform = Callable[[np.ndarray], np.ndarray]


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


class PerSample:
    """The transforms of one image in NumPy, one after another: (3, 32, 32) uint8 -> (3, 32, 32) float32."""

    def __init__(self, task: Task) -> None:
        self.task, self.random = task, np.random.default_rng(0)
        self.mean, self.std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (task.mean, task.std))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        for transform in (self.crop, self.flip, self.brightness, self.contrast, self.normalize):
            image = transform(image)
        return image

    def crop(self, image: np.ndarray) -> np.ndarray:
        pad = self.task.pad
        framed = np.pad(image, ((0, 0), (pad, pad), (pad, pad)))
        top, left = self.random.integers(0, 2 * pad + 1, 2)
        return framed[:, top : top + SIZE, left : left + SIZE]

    def flip(self, image: np.ndarray) -> np.ndarray:
        return image[:, :, ::-1] if self.random.random() < 0.5 else image

    def brightness(self, image: np.ndarray) -> np.ndarray:
        more = 255 * self.random.uniform(-self.task.brightness, self.task.brightness)
        return as_bytes(image + np.float32(more))

    def contrast(self, image: np.ndarray) -> np.ndarray:
        factor, middle = self.random.uniform(1 - self.task.contrast, 1 + self.task.contrast), np.float32(127.5)
        return as_bytes((image - middle) * np.float32(factor) + middle)

    def normalize(self, image: np.ndarray) -> np.ndarray:
        return (image.astype(np.float32) / 255 - self.mean) / self.std


class Tuned(PerSample):
    """The same by hand: no call that can be spared, and all arithmetic in one array."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        task, random, size = self.task, self.random, SIZE + 2 * self.task.pad
        framed = np.zeros((3, size, size), np.uint8)
        framed[:, task.pad : task.pad + SIZE, task.pad : task.pad + SIZE] = image
        top, left = random.integers(0, 2 * task.pad + 1, 2)
        image = framed[:, top : top + SIZE, left : left + SIZE]
        values = self.flip(image).astype(np.float32)
        values += np.float32(random.uniform(-task.brightness, task.brightness) * 255 - 127.5)
        values *= np.float32(random.uniform(1 - task.contrast, 1 + task.contrast))
        values += np.float32(127.5)
        np.clip(values, 0, 255, out=values)
        values /= 255
        values -= self.mean
        values /= self.std
        return values


def data_loaders(task: Task) -> Named:
    """torch's DataLoader with the transforms of one image, and with the tuned one."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    torch.set_num_threads(1)

    class Images(Dataset):
        def __init__(self, transform: Transform) -> None:
            self.transform = transform

        def __len__(self) -> int:
            return ROWS

        def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
            return torch.from_numpy(self.transform(task.images[index])), int(task.labels[index])

    def iterate(transform: Transform, workers: int) -> Generator[np.ndarray]:
        while True:
            images = Images(transform)
            for batch, _ in DataLoader(images, BATCH, shuffle=True, num_workers=workers, drop_last=True):
                yield batch.numpy()

    return [
        (f"{name}, {count} worker{'s' * (count != 1)}", partial(iterate, transform, count))
        for name, transform in (("DataLoader", PerSample(task)), ("DataLoader tuned", Tuned(task)))
        for count in range(3)
    ]


def tf_data(task: Task) -> Named:
    """tf.data with AUTOTUNE: image by image, and whole batches, also compiled by XLA."""
    import tensorflow as tf

    lines, pixels = tf.constant(task.images), tf.constant(task.images.transpose(0, 2, 3, 1))
    labels = tf.constant(task.labels)
    mean, std, pad = np.array(task.mean, np.float32), np.array(task.std, np.float32), task.pad

    def as_floats(values: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(tf.round(values), 0.0, 255.0)

    def coloured(values: tf.Tensor, each: list[object]) -> tf.Tensor:
        more = tf.random.uniform(each, -1, 1) * task.brightness * 255
        values = as_floats(tf.cast(values, tf.float32) + more)
        factor = tf.random.uniform(each, 1 - task.contrast, 1 + task.contrast)
        return as_floats((values - 127.5) * factor + 127.5) / 255.0

    def one(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.pad(pixels[index], [[pad, pad], [pad, pad], [0, 0]])
        image = tf.image.random_flip_left_right(tf.image.random_crop(image, [SIZE, SIZE, 3]))
        return (coloured(image, []) - mean) / std, labels[index]

    def many(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.pad(tf.gather(lines, indices), [[0, 0], [0, 0], [pad, pad], [pad, pad]])
        each, along = [tf.shape(indices)[0], 1], tf.range(SIZE)[tf.newaxis]
        turned = tf.where(tf.random.uniform(each) < 0.5, SIZE - 1 - along, along)
        top, left = (tf.random.uniform(each, 0, 2 * pad + 1, tf.int32) for _ in range(2))
        images = tf.gather(tf.gather(images, top + along, axis=2, batch_dims=1), left + turned, axis=3, batch_dims=1)
        images = coloured(images, [*each, 1, 1])
        return (images - mean.reshape(3, 1, 1)) / std.reshape(3, 1, 1), tf.gather(labels, indices)

    indices = tf.data.Dataset.range(ROWS).shuffle(ROWS).repeat()
    batches, auto = indices.batch(BATCH, drop_remainder=True), tf.data.AUTOTUNE

    def iterate(dataset: tf.data.Dataset) -> Generator[np.ndarray]:
        for images, _ in dataset.prefetch(auto).as_numpy_iterator():
            yield images

    return [
        (name, partial(iterate, dataset))
        for name, dataset in (
            ("tf.data, map then batch", indices.map(one, auto).batch(BATCH, drop_remainder=True)),
            ("tf.data, batch then map", batches.map(many, auto)),
            ("tf.data compiled by XLA, batch then map", batches.map(tf.function(many, jit_compile=True), auto)),
        )
    ]


def grain(task: Task) -> Named:
    """Grain with the transforms of one image, in the thread that asks and in its threads."""
    import grain as library

    transform = PerSample(task)

    class Images:
        def __len__(self) -> int:
            return ROWS

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.int64]:
            return task.images[index], task.labels[index]

    samples = library.MapDataset.source(Images()).seed(0).shuffle().repeat()
    batches = samples.map(lambda row: (transform(row[0]), row[1])).batch(BATCH)

    def iterate(threads: int) -> Generator[np.ndarray]:
        options = library.ReadOptions(num_threads=threads, prefetch_buffer_size=16 * threads)
        for images, _ in batches.to_iter_dataset(options):
            yield images

    return [(f"Grain, {threads} threads", partial(iterate, threads)) for threads in (0, 2, 16)]
