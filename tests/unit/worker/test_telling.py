"""What happened is told to Flower a few times a second, however much happens."""

from __future__ import annotations

from kombu.asynchronous.timer import Timer

from worker.consumer import TELL_EVERY_S, Consumer


class Dispatcher:
    """Counts how often it was told to send."""

    flushed = 0

    def flush(self) -> None:
        """Count."""
        self.flushed += 1


def test_a_burst_is_told_at_once_and_once_more() -> None:
    """The first tick tells at once, those that follow closely tell together, by a timer."""
    consumer = Consumer.__new__(Consumer)  # without a broker
    consumer.event_dispatcher, consumer.timer = Dispatcher(), Timer()
    for _ in range(50):
        consumer._flush_events()
    assert consumer.event_dispatcher.flushed == 1
    (due,) = consumer.timer.queue
    consumer._told_at -= TELL_EVERY_S  # as if that time had passed
    due.entry()
    assert consumer.event_dispatcher.flushed == 2
