"""The embedded customer directory: a JSONL file read into SQLite at start. `http_customers.py` is the real one."""

import json
import sqlite3
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tasks.errors import ToolError
from tasks.tools.ports import Customer
from worker.config.errors import CustomerFileError

_CUSTOMER = TypeAdapter(Customer)


class SqliteCustomers:
    """Implements `tasks.tools.ports.CustomerDirectory` over one keyed table; one event loop owns one instance."""

    def __init__(self, file: Path | None = None) -> None:
        """Read one customer per line; None: nobody is known. Raises `CustomerFileError` with the line."""
        self._store = sqlite3.connect(":memory:", check_same_thread=False)
        self._store.execute(
            "CREATE TABLE customer (id TEXT PRIMARY KEY, email TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID"
        )
        self._store.execute("CREATE INDEX by_email ON customer (email)")
        if file is not None:
            self._read(file)
        self._store.commit()

    async def get(self, customer_id: str) -> Customer | None:
        """The record, or None for an unknown customer."""
        rows = self._records("SELECT record FROM customer WHERE id = ?", customer_id)
        return rows[0] if rows else None

    async def find(self, email: str) -> Customer | None:
        """The one record with this address; None where none or several have it."""
        rows = self._records("SELECT record FROM customer WHERE email = ? AND email != '' LIMIT 2", email.lower())
        return rows[0] if len(rows) == 1 else None

    def close(self) -> None:
        """Free the table."""
        self._store.close()

    def _records(self, query: str, value: str) -> list[Customer]:
        try:
            return [_CUSTOMER.validate_json(record) for (record,) in self._store.execute(query, (value,))]
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise ToolError(f"the customer directory cannot answer: {type(error).__name__}") from None

    def _read(self, file: Path) -> None:
        try:
            with file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        self._add(file, number, line)
        except (OSError, UnicodeDecodeError) as error:
            raise CustomerFileError(f"{file}: cannot be read: {error}") from None

    def _add(self, source: Path, number: int, line: str) -> None:
        try:
            customer = _CUSTOMER.validate_json(line)
            record = json.dumps(_CUSTOMER.dump_python(customer, mode="json"))
            self._store.execute("INSERT INTO customer VALUES (?, ?, ?)", (customer.id, customer.email.lower(), record))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CustomerFileError(f"{source}:{number}: {where}: {first['msg']}") from None
        except sqlite3.IntegrityError:
            raise CustomerFileError(f"{source}:{number}: this id stands twice") from None
