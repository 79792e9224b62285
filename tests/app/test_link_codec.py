import base64
import json
import zlib

import pytest

from app.groups import Filter
from app.link_codec import (
    LinkedDrawing,
    LinkedShape,
    read_drawing,
    read_filters,
    write_drawing,
    write_filters,
)
from cmae.data.column import Column
from cmae.errors import InputError

COLUMNS = {
    "age_years": Column("years", "continuous", "covariate", "clinical", ""),
    "a:b;c=d": Column("", "continuous", "phenotype", "clinical", ""),
    "sex": Column("", "binary", "covariate", "clinical", ""),
    "disease": Column("", "categorical", "phenotype", "clinical", ""),
}
FILTERS = [
    Filter("age_years", low=45.5),
    Filter("a:b;c=d", low=-1e-7, high=2.0),
    Filter("sex", values=(1,)),
    Filter("disease", values=("old, infarct", "a=b;c")),
]
DRAWING = LinkedDrawing(
    "both",
    "umap",
    "0123abcd",
    (
        LinkedShape("replace", ((0, 0), (65535, 10), (300, 65535))),
        LinkedShape("subtract", ((-5, 7), (9, 9), (12, 1)), "Sex", (1,), (0,)),
    ),
)


def test_filters_come_back_from_a_link():
    text, left_out = write_filters(FILTERS)
    assert left_out == 0
    assert read_filters(text, COLUMNS) == FILTERS


def test_long_lists_of_words_stay_out_of_a_link():
    many = Filter("disease", values=tuple(f"name {k}" for k in range(30)))
    text, left_out = write_filters([many, FILTERS[0]])
    assert left_out == 1
    assert read_filters(text, COLUMNS) == [FILTERS[0]]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "height:1..2",
        "age_years:",
        "age_years:..",
        "age_years:1..2..3",
        "age_years:a..b",
        "age_years:nan..",
        "age_years:1e999..",
        "age_years=4",
        "sex:0..1",
        "sex=2",
        "sex=",
        "disease=" + "x" * 100,
        "age_years:1.." + ";age_years:1.." * 50,
        ":1..2",
    ],
)
def test_nonsense_filters_are_one_sentence(text):
    with pytest.raises(InputError, match="filters of this link"):
        read_filters(text, COLUMNS)


def test_shapes_come_back_from_a_link():
    assert read_drawing(write_drawing(DRAWING)) == DRAWING


def _packed(value):
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(value).encode())).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "ä",
        write_drawing(DRAWING)[:-30],
        _packed({"a": 1}),
        _packed(["both", "umap", "0", ["r", [1, 2, 3]]]),
        _packed(["both", "umap", "0", ["x", [1, 2, 3, 4, 5, 6]]]),
        _packed(["both", "umap", "0", [["r"], [1, 2, 3, 4, 5, 6]]]),
        _packed(["both", "umap", "0", ["r", [1, 2, 3, 4, 5, 1e300]]]),
        _packed(["both", "umap", "0", ["r", [1, 2, 3, 4, 5, True]]]),
        _packed(["both", 7, "0", ["r", [1, 2, 3, 4, 5, 6]]]),
        _packed(["both", "umap", "0", *[["r", [1, 2, 3, 4, 5, 6]]] * 50]),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 10_000_000)).decode(),
        base64.urlsafe_b64encode(zlib.compress(b"[" * 5_000 + b"]" * 5_000)).decode(),
    ],
)
def test_nonsense_shapes_are_one_sentence(text):
    with pytest.raises(InputError, match="shape of this link"):
        read_drawing(text)
