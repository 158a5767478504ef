"""Large batches in pieces that stay in the processor's cache: many short steps over a whole array wait for memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

BLOCK = 1 << 16  # entries

Kernel = Callable[..., Any]


def blockwise(count: int) -> Callable[[Kernel], Kernel]:
    """For a kernel (np, arrays..., rest...) that treats each vector (last axis) of its `count` arrays by itself."""

    def decorate(kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def run(np: Any, *inputs: Any) -> Any:
            arrays, rest = inputs[:count], inputs[count:]
            if arrays[0].size <= BLOCK:
                return kernel(np, *inputs)
            return _in_pieces(np, lambda *piece: kernel(np, *piece, *rest), arrays)

        return run

    return decorate


def _in_pieces(np: Any, kernel: Kernel, arrays: tuple[Any, ...]) -> Any:
    shape = arrays[0].shape
    rows = [np.broadcast_to(array, shape).reshape(-1, shape[-1]) for array in arrays]
    step = max(1, BLOCK // shape[-1])
    found = [kernel(*(array[i : i + step] for array in rows)) for i in range(0, len(rows[0]), step)]
    whole = np.concatenate(found)
    return whole.reshape(*shape[:-1], *whole.shape[1:])
