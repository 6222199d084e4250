"""The queue to which EventBridge tells what arrives in the inbox: a bell, for the bucket tells what lies there."""

from dataclasses import dataclass
from typing import Any

from concert_assets.resources.clients import aws_client

_MOST_AT_ONCE = 10  # of SQS
# So many messages at one look; those that are left ring again at the next.
_MOST = 100
_WAIT: dict[str, Any] = {"connect_seconds": 5, "read_seconds": 10, "attempts": 2}


class QueueRefused(Exception):
    """The queue cannot be heard or emptied, in one line with the setting and the code of AWS."""


@dataclass(frozen=True, slots=True)
class ArrivalQueue:
    """A queue of SQS by its URL."""

    url: str
    region: str
    endpoint_url: str = ""

    def heard(self) -> list[str]:
        """The receipts of messages that lie there, at most 100; they come again unless they are ``done``."""
        found: list[str] = []
        while len(found) < _MOST:
            told = self._asked("receive_message", MaxNumberOfMessages=_MOST_AT_ONCE, WaitTimeSeconds=0)
            messages = told.get("Messages", ())
            if not messages:
                break
            found += [message["ReceiptHandle"] for message in messages]
        return found

    def done(self, receipts: list[str]) -> None:
        """Let messages go, when what they announced has been looked at."""
        for start in range(0, len(receipts), _MOST_AT_ONCE):
            some = receipts[start : start + _MOST_AT_ONCE]
            entries = [{"Id": str(place), "ReceiptHandle": receipt} for place, receipt in enumerate(some)]
            self._asked("delete_message_batch", Entries=entries)

    def _asked(self, call: str, **arguments: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

        try:
            client = aws_client("sqs", self.region, self.endpoint_url, **_WAIT)
            answer: dict[str, Any] = getattr(client, call)(QueueUrl=self.url, **arguments)
            return answer
        except ClientError as error:
            reason = str(error.response.get("Error", {}).get("Code", "unknown"))
        except BotoCoreError as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise QueueRefused(f"SQS refuses CONCERT_ARRIVAL_QUEUE {self.url!r} ({reason})")
