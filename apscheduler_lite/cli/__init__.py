"""The command `apscheduler-lite`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from apscheduler_lite.errors import StoreUnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command; return its exit code: 0 when all went well, 1 when not all did, 2 when nothing was done.

    Args:
        arguments: what stands behind the name of the command; by default what this program was started with.
    """
    given = _parser().parse_args(arguments)
    # The functions of jobs are found as `python -m` would find them.
    here = str(Path.cwd())
    if sys.path[:1] != [here]:
        sys.path.insert(0, here)
    try:
        return int(given.command(given))
    except (ValueError, ImportError, StoreUnavailableError) as exc:
        print(f"apscheduler-lite: {exc}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="apscheduler-lite", description="A job scheduler's tools.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    migrate = commands.add_parser(
        "migrate-from",
        help="copy the jobs of APScheduler 3's SQLAlchemy store",
        description=(
            "Copy the jobs of a table of APScheduler 3 into a table of this library. The old table stays as it is, and"
            " the command may be repeated. Run it where the functions of the jobs can be imported. The jobs are"
            " pickles, which may run any code as they are read: copy only a table that you trust."
        ),
    )
    migrate.set_defaults(command=_migrate_from)
    migrate.add_argument("--from-url", required=True, metavar="URL", help="database of the old table")
    migrate.add_argument(
        "--from-table", default="apscheduler_jobs", metavar="NAME", help="the old table (default: %(default)s)"
    )
    migrate.add_argument("--from-schema", metavar="NAME", help="its schema")
    migrate.add_argument("--to-url", metavar="URL", help="database of the new table (default: the same)")
    migrate.add_argument(
        "--to-table", default="apscheduler_lite_jobs", metavar="NAME", help="the new table (default: %(default)s)"
    )
    migrate.add_argument("--to-schema", metavar="NAME", help="its schema")
    migrate.add_argument(
        "--signing-key-in", metavar="VARIABLE", help="the environment variable that holds the new store's signing_key"
    )
    migrate.add_argument("--replace", action="store_true", help="replace the jobs that are in the new table already")
    migrate.add_argument("--dry-run", action="store_true", help="only tell which jobs can be read; write nothing")
    return parser


def _migrate_from(given: argparse.Namespace) -> int:
    from apscheduler_lite.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler_lite.migrate import migrate_from

    key = None
    if given.signing_key_in is not None:
        key = os.environ.get(given.signing_key_in)
        if not key:
            raise ValueError(f"the environment variable {given.signing_key_in!r} holds no signing key")
    store = None
    if not given.dry_run:
        store = SQLAlchemyJobStore(
            given.to_url or given.from_url, tablename=given.to_table, tableschema=given.to_schema, signing_key=key
        )
    try:
        done = migrate_from(
            given.from_url, store, tablename=given.from_table, tableschema=given.from_schema, replace=given.replace
        )
    finally:
        if store is not None:
            store.shutdown()
    for job_id in done.present:
        print(f"already there: {job_id}")
    for job_id, exc in done.failed:
        print(f"not copied: {job_id}: {type(exc).__name__}: {exc}", file=sys.stderr)
    verb = "could be copied" if given.dry_run else "copied"
    print(f"{len(done.copied)} jobs {verb}, {len(done.present)} already there, {len(done.failed)} not copied")
    return 1 if done.failed else 0
