"""What CloudWatch and SNS are told of runs. Whatever they answer, no run fails for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from concert_assets.resources.clients import asked, aws_client

NAMESPACE = "ConcertAssets"
# One dimension, the stack's name, so that two stacks of an account keep apart.
DIMENSION = "Deployment"
METRICS = {
    "RowsPublished": "Count",
    "RowsRejected": "Count",
    "QualityScore": "None",
    "RunSeconds": "Seconds",
    "RunFailed": "Count",
    "ModelError": "Count",
}
# Twice at most and then no more: a run is over and waits for this alone.
_WAIT: dict[str, Any] = {"connect_seconds": 5, "read_seconds": 10, "attempts": 2}
_LONGEST_SUBJECT = 100  # of SNS


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told: CloudWatch where ``stack`` is not empty, the subscribers of ``topic`` where that is not."""

    stack: str
    topic: str
    region: str
    endpoint_url: str = ""

    def send(self, figures: Mapping[str, float]) -> str:
        """Send one value of each of these METRICS; why it was refused, in one line, empty where it was not."""
        if not self.stack or not figures:
            return ""
        dimensions = [{"Name": DIMENSION, "Value": self.stack}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": METRICS[name]}
            for name, value in figures.items()
        ]
        return self._asked(
            "cloudwatch",
            "put_metric_data",
            f"CloudWatch takes no metrics of CONCERT_STACK {self.stack!r}",
            Namespace=NAMESPACE,
            MetricData=data,
        )

    def alert(self, subject: str, text: str) -> str:
        """Tell the subscribers; why it was refused, in one line, empty where it was not."""
        if not self.topic:
            return ""
        # Printable ASCII without line ends is all that SNS takes for a subject.
        plain = "".join(letter if " " <= letter <= "~" else "?" for letter in subject)[:_LONGEST_SUBJECT]
        refused = f"SNS takes no message for CONCERT_ALERT_TOPIC {self.topic!r}"
        return self._asked("sns", "publish", refused, TopicArn=self.topic, Subject=plain, Message=text)

    def _asked(self, service: str, call: str, refused: str, **arguments: Any) -> str:
        reason = asked(aws_client(service, self.region, self.endpoint_url, **_WAIT), call, **arguments)[1]
        return f"{refused} ({reason})" if reason else ""
