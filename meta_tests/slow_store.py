"""A store in a file, slow enough for its run to be stopped or killed in the middle."""

from __future__ import annotations

_SOURCE = '''
import os, sqlite3, time, uuid
from isolation_tests.adapter import Memory, Refused


class Store:
    """Keeps everything in a file; a call takes a moment."""

    def __init__(self):
        self.rows = sqlite3.connect("store.db", isolation_level=None, timeout=60, check_same_thread=False)
        self.rows.execute("CREATE TABLE IF NOT EXISTS rows (id, user, text)")

    def of(self, user):
        time.sleep(SECONDS)
        if not isinstance(user, str) or not user.strip():
            raise Refused("A user is a text that is not blank.")
        return user

    def add(self, user, text):
        row = (uuid.uuid4().hex, self.of(user), text)
        self.rows.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
        return [Memory(id=row[0], text=text)]

    def get_all(self, user):
        found = self.rows.execute("SELECT id, text FROM rows WHERE user = ?", (self.of(user),))
        return [Memory(id=id, text=text) for id, text in found]

    def search(self, user, query, *, limit):
        words = set(query.split())
        return sorted(self.get_all(user), key=lambda row: -len(words & set(row.text.split())))[:limit]

    def delete_all(self, user):
        if os.path.exists("broken") and self.of(user).startswith(open("broken").read()):
            raise ConnectionError("reset by peer")
        self.rows.execute("DELETE FROM rows WHERE user = ?", (self.of(user),))


class Listing(Store):
    def users(self):
        return [user for user, in self.rows.execute("SELECT DISTINCT user FROM rows")]
'''


def slow_store(seconds: float) -> str:
    """The source of an adapter module with a class `Store`, each of whose calls takes so many seconds.

    While there is a file `broken`, deletes fail for the users whose names begin with what it says. Its class
    `Listing` can also list its users.
    """
    return _SOURCE.replace("SECONDS", str(seconds))
