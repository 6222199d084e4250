"""The resource ``signing`` on AWS: a key that KMS derives for this platform from one that never leaves it."""

from typing import Any

from dagster import ConfigurableResource
from pydantic import Field, PrivateAttr

from concert_assets.resources.clients import aws_client
from concert_assets.resources.kms.failures import SigningUnavailable

# KMS takes messages of up to 4,096 bytes, and a model has millions: so one MAC, of this text, is the key of all others.
_PURPOSE = b"concert_assets/signing/1"


class KmsSigning(ConfigurableResource):  # type: ignore[type-arg]
    """The MAC of a fixed text under an HMAC key of KMS: the same for whoever may use that key, and nobody else's."""

    key_id: str = Field(description="Id, alias or ARN of a KMS key of type HMAC_256")
    region: str = Field(description="Region of the key")
    endpoint_url: str = Field(default="", description="Where KMS listens, for a stand-in; empty for AWS")
    _key: bytes = PrivateAttr(default=b"")

    def key(self) -> bytes:
        """The key, 32 bytes, asked for once; SigningUnavailable, one line, where KMS refuses."""
        if not self._key:
            self._key = self._asked()
        return self._key

    def _asked(self) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

        client: Any = aws_client("kms", self.region, self.endpoint_url)
        reason = ""
        try:
            given = client.generate_mac(KeyId=self.key_id, MacAlgorithm="HMAC_SHA_256", Message=_PURPOSE)
            return bytes(given["Mac"])
        except ClientError as error:
            reason = str(error.response.get("Error", {}).get("Code", "unknown"))
        except BotoCoreError as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        # Not chained: what was sent is of no use to a reader of the log.
        raise SigningUnavailable(
            f"KMS does not sign with CONCERT_SIGNING_KEY {self.key_id!r} ({reason}); "
            "it must be a key of type HMAC_256 that the role may use (kms:GenerateMac)"
        )
