"""Signatures of stored documents: whoever has no key can write a row, but not one that is run."""

from __future__ import annotations

from apscheduler_lite._text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Signer"]


class Signer:
    """
    Sign documents, and check signatures.

    Args:
        keys: one key, or several: the first one signs, the others are still accepted, so that keys can be changed while
            old documents remain.

    Raises:
        ImportError: itsdangerous is not installed.
        ValueError: there is no key, or an empty one.
    """

    def __init__(self, keys: str | bytes | Iterable[str | bytes]) -> None:
        try:
            from itsdangerous import Signer as Itsdangerous
        except ImportError as exc:
            raise ImportError("signing_key needs itsdangerous: pip install 'apscheduler-lite[signing]'") from exc
        import hashlib

        listed = [keys] if isinstance(keys, (str, bytes)) else list(keys)
        for key in listed:
            if not isinstance(key, (str, bytes)):
                raise TypeError(f"signing_key must be text or bytes, or a list of these, not {shorten(type(key))}")
        if not listed or not all(listed):
            raise ValueError("signing_key must not be empty")
        secrets = [key.encode() if isinstance(key, str) else key for key in reversed(listed)]
        # It signs with the last key, and we with the first.
        self._signer = Itsdangerous(
            secrets, salt="apscheduler_lite.document", key_derivation="hmac", digest_method=hashlib.sha256
        )

    def sign(self, job_id: str, document: str) -> str:
        """Return the signature of a job's document."""
        return self._signer.get_signature(_signed(job_id, document)).decode("ascii")

    def check(self, job_id: str, document: str, signature: str | None) -> None:
        """
        Check that the document was signed for that job with one of the keys.

        Raises:
            ValueError: it was not.
        """
        if not signature:
            raise ValueError(
                "its row is not signed; if you trust it, add the job anew with replace_existing=True, which signs it"
            )
        if not self._signer.verify_signature(_signed(job_id, document), signature):
            raise ValueError("its signature is wrong: the row was changed by someone, or signed with another key")


def _signed(job_id: str, document: str) -> bytes:
    # The length keeps apart where the id ends and where the document begins.
    return f"{len(job_id)}:{job_id}:{document}".encode("utf-8", "surrogatepass")
