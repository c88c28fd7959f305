"""The database's own clock: what several machines agree on, however wrong the wall clocks of some of them are.

SQLite has none of its own: it asks the operating system, which all processes on one file share.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Float, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from storage.models import UtcDateTime


class there(FunctionElement[Any]):
    """The moment by the database's clock, in UTC, plus `later`; it stands still within a statement."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, later: timedelta = timedelta()) -> None:
        super().__init__(bindparam(None, later.total_seconds(), type_=Float))


@compiles(there, "postgresql")
def _postgresql(element: there, compiler: Any, **options: Any) -> str:
    return f"(statement_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"


@compiles(there, "sqlite")
def _sqlite(element: there, compiler: Any, **options: Any) -> str:
    """As text, in the form in which SQLAlchemy keeps moments there: with six digits behind the second."""
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"
