"""What PostgreSQL's catalogue says of the tables that outlive a run, to compare two databases."""

from __future__ import annotations

from orchestration.postgres.database import Database

_OURS = "('access', 'history', 'ops', 'raw')"
_QUERIES = {
    "schemas": "select nspname, nspacl::text from pg_namespace where nspname in {ours}",
    "tables": """
        select oid::regclass::text, relkind::text, relrowsecurity, relforcerowsecurity,
            relacl::text, obj_description(oid, 'pg_class')
        from pg_class where relnamespace::regnamespace::text in {ours}
            and relkind in ('r', 'p', 'v', 'S')
    """,
    "columns": """
        select c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod),
            a.attnotnull, a.attidentity::text, a.attcollation::regcollation::text,
            pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
        from pg_class as c
        inner join pg_attribute as a on a.attrelid = c.oid
        left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace::regnamespace::text in {ours} and c.relkind in ('r', 'p', 'v')
            and a.attnum > 0 and not a.attisdropped
    """,
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        from pg_constraint where connamespace::regnamespace::text in {ours}
    """,
    "indexes": "select indexname, indexdef from pg_indexes where schemaname in {ours}",
    "policies": """
        select schemaname, tablename, policyname, roles::text, cmd, qual, with_check
        from pg_policies where schemaname in {ours}
    """,
    "functions": """
        select oid::regprocedure::text, pg_get_functiondef(oid), proacl::text
        from pg_proc where pronamespace::regnamespace::text in {ours}
    """,
    "triggers": "select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
}


def catalogue(database: Database) -> dict[str, set[tuple[object, ...]]]:
    """Schemas, tables, columns, constraints, indexes, policies, functions, triggers and rights."""
    with database.connect() as conn:
        return {
            what: set(conn.execute(query.replace("{ours}", _OURS).encode()).fetchall())
            for what, query in _QUERIES.items()
        }
