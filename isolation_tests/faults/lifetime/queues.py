"""C1 and C2: what waits for a moment, a batch or a file, is finished for somebody else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any

from isolation_tests.adapter import Memory
from isolation_tests.faults.support.base import Fault, Wrapper, call

_WINDOW_SECONDS = 0.002


class _Pausing(Wrapper):
    async def _pause(self) -> None:
        # Around a sync adapter nothing is awaited, so the thread itself waits.
        await asyncio.sleep(_WINDOW_SECONDS) if self._waits else _doze()


def _doze() -> None:
    time.sleep(_WINDOW_SECONDS)


class Batched(_Pausing):
    """The first write waits a moment for others, and all of them are stored under its user."""

    def __init__(self, inner: Any) -> None:
        self._leaders: list[Any] = []
        self._gate = threading.Lock()
        super().__init__(inner)

    async def _on_add(self, user: Any, text: str, **keywords: Any) -> Sequence[Memory]:
        with self._gate:
            leads = not self._leaders
            leader = user if leads else self._leaders[0]
            self._leaders += [user] if leads else []
        if leads:
            await self._pause()
            self._leaders.clear()
        rows: Sequence[Memory] = await call(self._inner.add, leader, text, **keywords)
        return rows


class OneFile(_Pausing):
    """An export is written to a file of one name, and the answer is read from there a moment later."""

    def __init__(self, inner: Any) -> None:
        self._file: Sequence[Memory] = ()
        super().__init__(inner)

    async def _on_export(self, user: Any) -> Sequence[Memory]:
        self._file = await call(self._inner.export, user)
        await self._pause()
        return self._file


FAULTS = (
    Fault(
        "C1-batched-writes",
        "C1",
        "Writes that arrive together are stored as one batch, under the user of the first.",
        Batched,
        like="XMem#200",
    ),
    Fault(
        "C2-one-export-file",
        "C2",
        "An export is written to one file and read back, when another may have been written there.",
        OneFile,
        like="LinguaCafe#147",
        needs=("export",),
    ),
)
