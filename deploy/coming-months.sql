-- A partition for each of the twelve coming months that has none: see “Monthly partitions” in docs/operations.md.
--
--     manage.py dbshell -- --set ON_ERROR_STOP=1 --file deploy/coming-months.sql
--
-- Figures of a day without a partition are refused, so run it every month. Each is made beside readers and writers.

SET client_min_messages = warning;
SET lock_timeout = '5s';

DO $$
DECLARE
    first date;
    name text;
BEGIN
    FOR months IN 1..12 LOOP
        first := date_trunc('month', current_date) + make_interval(months => months);
        name := to_char(first, '"snapshots_snapshot_"YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE snapshots_snapshot INCLUDING CONSTRAINTS)', name);
        EXECUTE format(
            'ALTER TABLE snapshots_snapshot ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, first, (first + interval '1 month')::date
        );
    END LOOP;
END $$;

-- Nobody else counts what the partitioned table holds as a whole.
ANALYZE snapshots_snapshot;
