"""Holding deliveries that the audit stopped: an entry of the log each, and a word to whoever watches the run."""

from collections.abc import Callable, Mapping

from concert_assets.deliveries.log import DeliveryLog


def hold(log: DeliveryLog, holds: Mapping[int, str], say: Callable[[str], None]) -> int:
    """Hold the live deliveries of these numbers for these reasons and return how many were held."""
    held = 0
    for delivery in log.deliveries():
        reason = holds.get(delivery.sequence)
        if reason is not None and delivery.state == "live" and not delivery.is_released:
            log.judge(delivery, "hold", reason)
            held += 1
            say(
                f"delivery {delivery.name} (number {delivery.sequence}) is held: {reason}. The next run goes on "
                f"without it; 'concert-assets release {delivery.sequence}' lets it pass, 'retract' drops it"
            )
    return held
