"""Unicode's normal form C of raw texts: no engine's SQL has it in common, so it is made before the engine sees them."""

import pyarrow as pa
import pyarrow.compute as pc

from concert_assets.catalog.model import Table


def normalised(table: Table, chunk: pa.Table) -> pa.Table:
    """Raw rows with every canonical column in normal form C; a column of ASCII alone is that already."""
    for column in table.columns:
        position = chunk.schema.get_field_index(column.name)
        texts = chunk.column(position)
        if not pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
            chunk = chunk.set_column(position, chunk.schema.field(position), pc.utf8_normalize(texts, form="NFC"))
    return chunk
