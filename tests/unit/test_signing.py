"""Signatures: a document is known for what it was when it was signed, by one of the keys."""

from __future__ import annotations

import pytest

from apscheduler_lite.serializers.signing import Signer

pytest.importorskip("itsdangerous")


def test_a_signed_document_passes():
    """What was signed with the key is accepted with the key."""
    signer = Signer("key")

    signer.check("job", "{}", signer.sign("job", "{}"))


@pytest.mark.parametrize(("job_id", "document"), [("job", "{ }"), ("other", "{}"), ("job:{", "}"), ("jo", "b{}")])
def test_another_document_does_not(job_id, document):
    """Neither a changed text nor the same text under another id, however the two are cut."""
    signature = Signer("key").sign("job", "{}")

    with pytest.raises(ValueError, match="signature is wrong"):
        Signer("key").check(job_id, document, signature)


@pytest.mark.parametrize("signature", [None, ""])
def test_a_row_without_a_signature_does_not(signature):
    """The message says how to sign it."""
    with pytest.raises(ValueError, match=r"not signed.*replace_existing"):
        Signer("key").check("job", "{}", signature)


def test_keys_can_be_changed():
    """The first key signs; documents signed with one of the others are still accepted."""
    old, both, new = Signer("old"), Signer(["new", "old"]), Signer(b"new")

    both.check("job", "{}", old.sign("job", "{}"))
    new.check("job", "{}", both.sign("job", "{}"))
    with pytest.raises(ValueError, match="signature"):
        new.check("job", "{}", old.sign("job", "{}"))


@pytest.mark.parametrize("keys", ["", [], ["key", ""]], ids=repr)
def test_an_empty_key_is_none(keys):
    """It would sign for everybody."""
    with pytest.raises(ValueError, match="signing_key must not be empty"):
        Signer(keys)


def test_a_key_is_text():
    """Anything else is refused by name, without showing what may be a secret."""
    with pytest.raises(TypeError, match="signing_key must be text or bytes"):
        Signer([12345])  # type: ignore[list-item]
