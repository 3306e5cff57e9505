"""The parts of the Postgres adapter: a table, a policy with its role, and connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from threading import Lock
from typing import Any
from uuid import uuid4

from isolation_tests.adapter import Indeterminate, Refused
from isolation_tests.adapters.embedding import DIMENSIONS
from isolation_tests.adapters.resources import Errors, need

__all__ = ["CONNECTIONS", "EXTRA", "POLICIES", "SCOPES", "Database", "protected", "table"]

EXTRA = "pgvector"
_POOLED = 2  # so that users take turns on each connection
Connect = Callable[[], AbstractContextManager[Any]]

_TABLE = """
CREATE TABLE memories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id text NOT NULL,
    text text NOT NULL,
    embedding vector({dimensions}) NOT NULL,
    metadata jsonb NOT NULL,
    key text,
    UNIQUE (user_id, key)
)
"""
_NOT_BLANK = "ALTER TABLE memories ADD CONSTRAINT user_is_not_blank CHECK (user_id ~ '[^[:space:]]')"
_PROTECT = """
ALTER TABLE memories ENABLE ROW LEVEL SECURITY;
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
CREATE POLICY own_memories ON memories USING ({test}) WITH CHECK ({test});
GRANT SELECT, INSERT, UPDATE, DELETE ON memories TO {role};
GRANT USAGE ON SCHEMA {schema} TO {role}
"""
_FORGET = """
REVOKE ALL ON memories FROM {role};
REVOKE ALL ON SCHEMA {schema} FROM {role};
DROP ROLE {role}
"""
# After a transaction that set it, the setting is an empty text, not unset.
POLICIES = {
    "careful": "user_id = nullif(current_setting('app.user_id', true), '')",
    "plain": "user_id = current_setting('app.user_id', true)",
}
_BECOME = "SELECT set_config('app.user_id', %(user)s, true)"
# Without the cast, an int would be stored as text and never found, because "=" does not compare the two.
SCOPES = {"column": "user_id = %(user)s::text", "rls": "true"}


@contextmanager
def table(psycopg: Any, owner: Any, policy: str) -> Iterator[None]:
    """Create an empty table, and drop it afterwards."""
    owner.execute("CREATE EXTENSION IF NOT EXISTS vector")
    owner.execute(psycopg.sql.SQL(_TABLE).format(dimensions=psycopg.sql.Literal(DIMENSIONS)))
    if policy == "careful":
        owner.execute(_NOT_BLANK)
    try:
        yield
    finally:
        owner.execute("DROP TABLE memories")


@contextmanager
def protected(psycopg: Any, owner: Any, address: str, policy: str) -> Iterator[str]:
    """Put the policy on the table, and yield an address with a role that the policy applies to."""
    name, password, sql = f"isolation_tests_{uuid4().hex}", token_hex(), psycopg.sql
    schema = owner.execute("SELECT current_schema()").fetchone()[0]
    parts = {
        "role": sql.Identifier(name),
        "schema": sql.Identifier(schema),
        "test": sql.SQL(POLICIES[policy]),
    }
    create = sql.SQL("CREATE ROLE {} LOGIN NOBYPASSRLS PASSWORD {}")
    owner.execute(create.format(parts["role"], sql.Literal(password)))
    try:
        owner.execute(sql.SQL(_PROTECT).format(**parts))
        yield psycopg.conninfo.make_conninfo(address, user=name, password=password)
    finally:
        owner.execute(sql.SQL(_FORGET).format(**parts))


@contextmanager
def _one(psycopg: Any, address: str) -> Iterator[Connect]:
    # A transaction belongs to the connection, not to the thread. Without turns, one user's setting would
    # apply to another user.
    turn = Lock()

    @contextmanager
    def connect() -> Iterator[Any]:
        with turn:
            yield connection

    with psycopg.connect(address, autocommit=True) as connection:
        yield connect


@contextmanager
def _pool(_psycopg: Any, address: str) -> Iterator[Connect]:
    pooled = need("psycopg_pool", EXTRA).ConnectionPool
    with pooled(address, min_size=_POOLED, max_size=_POOLED, kwargs={"autocommit": True}) as pool:
        pool.wait()
        yield pool.connection


CONNECTIONS = {"one": _one, "pool": _pool}
"""How to get a connection; each value is a context manager that yields a function."""


@dataclass(frozen=True, slots=True)
class Database:
    """Runs one statement of one user in its own transaction.

    psycopg: the module. connect: yields a connection. scope: as in `open_memory`.
    """

    psycopg: Any
    connect: Connect
    scope: str

    def ask(self, statement: str, user: Any, **values: Any) -> list[dict[str, Any]]:
        """Return the statement's rows; its `{own}` becomes the condition of the scope."""
        query = self.psycopg.sql.SQL(statement).format(own=self.psycopg.sql.SQL(SCOPES[self.scope]))
        given = {"user": user, **values}
        with self._answer(), self.connect() as connection, connection.transaction():
            if self.scope == "rls":
                connection.execute(_BECOME, given)
            cursor = connection.cursor(row_factory=self.psycopg.rows.dict_row)
            rows: list[dict[str, Any]] = cursor.execute(query, given).fetchall()
            return rows

    @contextmanager
    def _answer(self) -> Iterator[None]:
        refused, unknown = _errors(self.psycopg)
        try:
            yield
        except refused as error:
            raise Refused(str(error)) from error
        except unknown as error:
            raise Indeterminate(str(error)) from error
        except self.psycopg.ProgrammingError as error:
            # An error without a state comes from psycopg itself, which can't adapt a value.
            if error.sqlstate is not None:
                raise
            raise Refused(str(error)) from error


def _errors(psycopg: Any) -> tuple[Errors, Errors]:
    """Postgres errors that mean a refusal, and those that leave the outcome unknown, in this order."""
    kinds = psycopg.errors
    # UndefinedFunction: for a user that is not text, there is no "=" with the column and no set_config.
    denied = (kinds.InsufficientPrivilege, kinds.UndefinedFunction, kinds.ProgramLimitExceeded)
    refused = (psycopg.DataError, psycopg.IntegrityError, *denied, UnicodeEncodeError)
    return refused, (psycopg.OperationalError, psycopg.InterfaceError)
