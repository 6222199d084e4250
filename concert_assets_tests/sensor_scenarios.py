"""The scenarios of the sensor matrix, each what happened to somebody's files once."""

from collections.abc import Callable
from functools import partial

from concert_assets_tests.support_sensor_matrix import Trial


def same_second(trial: Trial) -> None:
    """Files arrive in the second of the last that was seen."""
    trial.drop("m")
    trial.tick()
    trial.drop("a")
    trial.drop("z")
    trial.tick()


def late(trial: Trial) -> None:
    """A file arrives that bears an older time than what was seen: an upload in parts, a copy that keeps times."""
    trial.drop("m", second=10)
    trial.tick()
    trial.drop("z", second=5)
    trial.tick()


def overwritten(trial: Trial) -> None:
    """Other bytes take the place of a file that was loaded."""
    trial.drop("a", "one", 0)
    trial.drop("b", "one", 1)
    trial.tick()
    trial.drop("a", "another", 2)
    trial.tick()


def overwritten_alike(trial: Trial) -> None:
    """The same, and neither size nor time tells."""
    trial.drop("a", "one", 0)
    trial.drop("b", "one", 1)
    trial.tick()
    trial.drop("a", "two", 0)
    trial.tick()


def overwritten_unseen(trial: Trial) -> None:
    """Bytes that nobody has looked at yet are overwritten: the last ones count."""
    trial.drop("a", "one", 0, is_new=False)
    trial.drop("a", "two", 0)
    trial.tick()


def cursor_overwritten(trial: Trial) -> None:
    """The last object that was seen is overwritten, after another has come."""
    trial.drop("a", "one", 0)
    trial.drop("b", "one", 1)
    trial.tick()
    trial.drop("c", "one", 2)
    trial.drop("b", "two", 3)
    trial.tick()


def cursor_deleted(trial: Trial) -> None:
    """The last object that was seen is deleted."""
    trial.drop("a", "one", 0)
    trial.drop("b", "one", 1)
    trial.tick()
    trial.remove("b")
    trial.drop("c", "one", 2)
    trial.tick()


def dropped_again(trial: Trial) -> None:
    """The same bytes are dropped again, later and under the same name."""
    trial.drop("a", "one", 0)
    trial.drop("b", "one", 1)
    trial.tick()
    trial.drop("a", "one", 5, is_new=False)
    trial.tick()


def bytes_come_back(trial: Trial) -> None:
    """A file is overwritten and then put back as it was."""
    for second, text in enumerate(("one", "two", "one")):
        trial.drop("a", text, second)
        trial.tick()


def deleted_and_back(trial: Trial) -> None:
    """A file is deleted after it was loaded, and comes back with other bytes and its old time."""
    trial.drop("a", "one", 0)
    trial.tick()
    trial.remove("a")
    trial.tick()
    trial.drop("a", "two", 0)
    trial.tick()


def deleted_before_loading(trial: Trial) -> None:
    """A file that was seen is deleted before it is loaded; then it comes back."""
    trial.drop("a", "one", 0, is_new=False)
    trial.drop("b", "one", 1)
    trial.tick(lambda: trial.remove("a"))
    trial.drop("a", "two", 2)
    trial.tick()


def overwritten_before_loading(trial: Trial) -> None:
    """A file that was seen is overwritten before it is loaded."""
    trial.drop("a", "one", 0, is_new=False)
    trial.drop("b", "one", 1)
    trial.tick(lambda: trial.drop("a", "two", 2))
    trial.tick()


def pages(objects: int, trial: Trial) -> None:
    """More files than a listing shows at once, a hundred a second, and then a few more in the last second."""
    for number in range(objects):
        trial.drop(f"{number:06}", second=number // 100)
    trial.tick()
    for number in range(0, objects, objects // 10):
        trial.drop(f"{number:06}-more", second=(objects - 1) // 100)
    trial.tick()


def storm(objects: int, trial: Trial) -> None:
    """Many files in two seconds, and ticks while they come."""
    for number in range(objects):
        trial.drop(f"{number * 7919 % objects:06}", second=number // (objects // 2))
        if number in (objects // 4, objects // 2, objects * 3 // 4):
            trial.tick()
    trial.tick()


SMALL: dict[str, Callable[[Trial], None]] = {
    "same second": same_second,
    "late": late,
    "overwritten": overwritten,
    "overwritten, same size and time": overwritten_alike,
    "overwritten before it was seen": overwritten_unseen,
    "overwritten before it was loaded": overwritten_before_loading,
    "cursor object overwritten": cursor_overwritten,
    "cursor object deleted": cursor_deleted,
    "deleted before it was loaded": deleted_before_loading,
    "deleted, then back with old time": deleted_and_back,
    "same bytes dropped again": dropped_again,
    "bytes come back after others": bytes_come_back,
}


def scenarios(keys: int, storm_objects: int) -> dict[str, Callable[[Trial], None]]:
    """All scenarios, those of many objects at these sizes."""
    return SMALL | {
        f"{keys:,} keys": partial(pages, keys),
        f"storm of {storm_objects:,}": partial(storm, storm_objects),
    }
