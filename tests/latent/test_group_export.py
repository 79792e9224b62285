import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from cmae.latent.group_export import METADATA_KEY, csv_bytes, group_table, parquet_bytes

TABLE = pd.DataFrame(
    {"participant_id": ["a", "b", "c"], "age_years": [40.0, np.nan, 61.5], "sex": [0, 1, 1]}
)
ROWS = np.array([0, 2])


def test_a_csv_holds_the_rows_and_the_columns_that_were_asked_for():
    back = pd.read_csv(io.BytesIO(csv_bytes(group_table(TABLE, ROWS, ["age_years", "sex"]))))
    assert back.columns.tolist() == ["row", "age_years", "sex"]
    assert back["row"].tolist() == [0, 2]
    assert back["age_years"].tolist() == [40.0, 61.5]


def test_a_parquet_file_says_how_its_rows_were_chosen():
    latents = {"ecg": np.array([[0.5, 1.0], [np.nan, np.nan]], np.float32)}
    how = {"filters": [{"column": "sex", "values": [1]}], "cohort": "beef"}
    table = group_table(TABLE, ROWS, ["age_years"], latents=latents)
    file = pq.read_table(io.BytesIO(parquet_bytes(table, how)))
    assert json.loads(file.schema.metadata[METADATA_KEY]) == how
    back = file.to_pandas()
    assert back.columns.tolist() == ["row", "age_years", "ecg_latent_0", "ecg_latent_1"]
    np.testing.assert_array_equal(back["ecg_latent_1"], [1.0, np.nan])
