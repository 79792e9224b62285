"""Pseudonyms: stable under a key, other under another, and restored from a list alone."""

import hashlib
import hmac
import stat

import pytest

from cmae.data import pseudonyms
from cmae.data.cohort import Cohort
from cmae.data.pseudonyms import Pseudonyms, claim, make_key
from cmae.errors import InputError


@pytest.fixture
def key(tmp_path) -> Pseudonyms:
    make_key(tmp_path / "key")
    return Pseudonyms.open(tmp_path / "key")


def test_a_made_key_is_private_random_and_never_replaced(tmp_path):
    for name in ("a", "b"):
        make_key(tmp_path / name)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()
    with pytest.raises(InputError, match="left as it is"):
        make_key(tmp_path / "a")


def test_a_pseudonym_is_the_hmac_of_the_identifier(key):
    wanted = hmac.new(key.key, b"1234567", hashlib.sha256).hexdigest()

    assert key.of("1234567") == "p" + wanted[:32]
    assert len(key.key) >= 32
    assert key.key.decode() not in repr(key)


def test_another_key_gives_other_pseudonyms(key, tmp_path):
    make_key(tmp_path / "other")
    other = Pseudonyms.open(tmp_path / "other")

    assert other.of("1") != key.of("1")
    assert other.check != key.check
    assert key.of("1") == Pseudonyms.open(tmp_path / "key").of("1")


def test_identifiers_come_back_from_a_list_that_has_them_all(key):
    names = [key.of("7"), key.of("8")]

    assert key.originals(names, ["6", "7", "8"]) == {names[0]: "7", names[1]: "8"}
    with pytest.raises(InputError, match="1 of 2 participants") as raised:
        key.originals(names, ["7"])
    assert "p" + names[1][1:] not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"short", b"a" * 64, b" " * 64, b"k" * 5000])
def test_what_is_no_key_is_refused(tmp_path, content):
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(InputError, match="random bytes"):
        Pseudonyms.open(tmp_path / "key")


def test_a_cohort_has_pseudonyms_of_one_key_or_none(key, small_cohort, tmp_path):
    new = Cohort.create(tmp_path / "new").path
    claim(new, key)
    claim(new, key)
    make_key(tmp_path / "other")

    with pytest.raises(InputError, match="another key"):
        claim(new, Pseudonyms.open(tmp_path / "other"))
    with pytest.raises(InputError, match="--pseudonymize"):
        claim(new, None)
    with pytest.raises(InputError, match="their own identifiers"):
        claim(small_cohort.path, key)
    assert pseudonyms.key_check(new) == key.check
    assert key.key.decode() not in (new / pseudonyms.FILE).read_text()
