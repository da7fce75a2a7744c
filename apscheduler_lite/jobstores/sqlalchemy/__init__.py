"""Jobs in a database that any number of processes share; see `SQLAlchemyJobStore`."""

from .store import SQLAlchemyJobStore

__all__ = ["SQLAlchemyJobStore"]
