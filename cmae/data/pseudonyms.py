"""Pseudonyms: keyed hashes in place of identifiers, and the way back for who has key and list."""

import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cmae.data import table as tables
from cmae.data.files import explained, replacing
from cmae.errors import InputError

FILE = "pseudonyms.json"
"""File of a cohort that says that its identifiers are pseudonyms, and by which key."""

MIN_KEY_BYTES = 32
_MAX_KEY_BYTES = 4096
_FORMAT = "cmae-pseudonyms"
_HOW_TO_MAKE = "make one with `cmae import key FILE`"


@dataclass(frozen=True)
class Pseudonyms:
    """The pseudonyms that one secret key gives: HMAC-SHA256 (RFC 2104) of the identifier.

    A plain hash of a seven-digit number is undone by hashing all ten million; with a key that
    nobody else has, nobody else can.

    Attributes:
        key: The secret, at least 32 bytes.
    """

    key: bytes = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> "Pseudonyms":
        """Read the key from a file; white space around it does not count.

        Raises:
            InputError: The file is missing, or holds too little or too much to be a key.
        """
        try:
            size = path.stat().st_size
            key = path.read_bytes().strip() if size <= _MAX_KEY_BYTES else b""
        except OSError as error:
            raise InputError(f"The key file cannot be read: {_HOW_TO_MAKE}.") from error
        if len(key) < MIN_KEY_BYTES or len(set(key)) < 8:
            raise InputError(
                f"The key file holds no key of {MIN_KEY_BYTES} to {_MAX_KEY_BYTES:,} random bytes: "
                f"{_HOW_TO_MAKE}."
            )
        return cls(key)

    @property
    def check(self) -> str:
        """What tells this key from others and gives nothing of it away, 16 hex digits."""
        # Identifiers are printable, so none has this hash.
        return hmac.new(self.key, b"\0which key", hashlib.sha256).hexdigest()[:16]

    def of(self, identifier: str) -> str:
        """Return the pseudonym of an identifier: ``p`` and the hash's first 32 hex digits."""
        return "p" + hmac.new(self.key, identifier.encode(), hashlib.sha256).hexdigest()[:32]

    def originals(self, pseudonyms: Iterable[str], candidates: Iterable[str]) -> dict[str, str]:
        """Return the identifiers behind pseudonyms.

        The hash has no inverse: the pseudonyms of all candidates are computed and compared.

        Args:
            pseudonyms: Whose identifiers are wanted.
            candidates: Identifiers among which they must be.

        Returns:
            Identifier by pseudonym.

        Raises:
            InputError: A pseudonym is that of none of them.
        """
        known = {self.of(candidate): candidate for candidate in candidates}
        wanted = set(pseudonyms)
        lacking = len(wanted - known.keys())
        if lacking:
            raise InputError(
                f"{lacking:,} of {len(wanted):,} participants match none of the {len(known):,} "
                "identifiers listed: give the key of their import, and a table that lists them all."
            )
        return {pseudonym: known[pseudonym] for pseudonym in wanted}


def make_key(path: Path) -> None:
    """Write a new random key to a file that only its owner can read.

    Raises:
        InputError: There is such a file, or it cannot be written.
    """
    if path.exists():
        raise InputError(
            "The key file exists already and is left as it is: pseudonyms of a lost key can never "
            "be restored. Choose another name."
        )
    with explained(path):
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")


def is_private(path: Path) -> bool:
    """Tell whether only its owner can read a file."""
    return not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def claim(cohort: Path, pseudonyms: Pseudonyms | None) -> None:
    """Check that a cohort's identifiers are of the kind that an import will add, and note it.

    Args:
        cohort: The folder.
        pseudonyms: Of the import; None adds identifiers as they are.

    Raises:
        InputError: The cohort holds identifiers of the other kind, or of another key.
    """
    noted = key_check(cohort)
    if pseudonyms is None:
        if noted is not None:
            raise InputError(
                "The cohort's participants have pseudonyms: add to it with --pseudonymize and the "
                "key of its first import, else one person would stand in it under two names."
            )
        return
    if noted == pseudonyms.check:
        return
    if noted is not None:
        raise InputError(
            "The cohort's pseudonyms are of another key: give the key of its first import."
        )
    if len(tables.load(cohort).table):
        raise InputError(
            "The cohort's participants stand in it under their own identifiers: import into a "
            "new cohort to have pseudonyms."
        )
    facts = {"format": _FORMAT, "format_number": 1, "key_check": pseudonyms.check}
    with replacing(cohort / FILE) as temporary:
        temporary.write_text(json.dumps(facts), encoding="utf-8")


def key_check(cohort: Path) -> str | None:
    """Return the check of the key that a cohort's pseudonyms are of; None where it has none.

    Raises:
        InputError: The note is damaged.
    """
    path = cohort / FILE
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_bytes()[:_MAX_KEY_BYTES])
        check = facts["key_check"] if facts["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: restore it.") from error
    return str(check)
