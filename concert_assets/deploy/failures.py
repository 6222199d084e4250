"""How the infrastructure says that it cannot be made: one line, with AWS's code and what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

_HINTS = {
    "AccessDenied": "the credentials lack this right",
    "AccessDeniedException": "the credentials lack this right",
    "UnauthorizedOperation": "the credentials lack this right",
    "ExpiredToken": "the credentials have expired; log in again",
    "ExpiredTokenException": "the credentials have expired; log in again",
    "InvalidClientTokenId": "AWS does not know the credentials",
    "UnrecognizedClientException": "AWS does not know the credentials",
    "SignatureDoesNotMatch": "the secret key is not that of the access key",
    "InsufficientCapabilitiesException": "the template makes roles",
}
_MOST_CHARACTERS = 400


class DeploymentFailed(Exception):
    """The infrastructure cannot be made, changed or removed as asked; one line."""


class NoAccount(DeploymentFailed):
    """There is nobody to ask: no credentials, no region, or nothing answers."""


def one_line(text: str) -> str:
    """A text of AWS without line breaks, and not longer than a person reads."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}…"


@contextmanager
def told() -> Iterator[None]:
    """Say in one line what AWS refuses. Not chained: what was sent is of no use to a reader."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise NoAccount(
            f"no credentials of AWS were found ({type(error).__name__}); log in, or set AWS_PROFILE or the variables "
            "of AWS, as for every program of AWS"
        ) from None
    except NoRegionError:
        raise NoAccount("no region is set; set CONCERT_REGION, such as eu-west-1") from None
    except EndpointConnectionError as error:
        raise NoAccount(
            f"{one_line(str(error))}; look at CONCERT_REGION, CONCERT_ENDPOINT_URL and the network"
        ) from None
    except ClientError as error:
        found = error.response.get("Error", {})
        code = str(found.get("Code", "unknown"))
        hint = f"; {_HINTS[code]}" if code in _HINTS else ""
        raise DeploymentFailed(
            f"{error.operation_name} failed with {code}: {one_line(str(found.get('Message', '')))}{hint}"
        ) from None
    except (BotoCoreError, ResponseParserError) as error:
        raise DeploymentFailed(f"AWS cannot be asked ({type(error).__name__}): {one_line(str(error))}") from None
