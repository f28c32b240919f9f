"""Schema steps: what turns the tables of an earlier program's books into those of `schema.sql`.

A step adds tables and changes none of the catalog: its rows are compared column by column with a replay of the ledger,
and a database that was brought up to date must not differ from a new one.  Notes may be lost, and are made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SCHEMA_VERSION = 3

STEPS: Mapping[int, Sequence[str]] = {
    1: (
        # The last programs of schema 1 made this one already.
        """CREATE TABLE IF NOT EXISTS declarations (
            standard TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, text TEXT NOT NULL,
            declared_at TEXT NOT NULL, PRIMARY KEY (standard, version)
        )""",
        """CREATE TABLE retired_store (
            name TEXT PRIMARY KEY, store_id TEXT NOT NULL, role TEXT NOT NULL, url TEXT NOT NULL,
            attributes TEXT NOT NULL, capabilities TEXT NOT NULL, profile TEXT, retired_at TEXT NOT NULL,
            retired_because TEXT NOT NULL, is_lost INTEGER NOT NULL
        )""",
        """CREATE TABLE retired_copy (
            package TEXT NOT NULL, store TEXT NOT NULL, state TEXT NOT NULL, bytes INTEGER NOT NULL,
            generations TEXT NOT NULL, booked_at TEXT NOT NULL, audited_at TEXT, audited_level TEXT,
            audits TEXT NOT NULL, retain_until TEXT, PRIMARY KEY (package, store)
        )""",
        "CREATE INDEX retired_copy_by_store ON retired_copy (store, package)",
        "CREATE TABLE absence (store TEXT PRIMARY KEY, since TEXT NOT NULL)",
    ),
    2: (
        "DROP TABLE absence",
        """CREATE TABLE absence (
            machine TEXT NOT NULL, store TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (machine, store)
        )""",
        """CREATE TABLE clock_reading (
            machine TEXT PRIMARY KEY, at TEXT, counter_milliseconds INTEGER, boot TEXT, entries INTEGER, incident TEXT,
            newest TEXT
        )""",
        """CREATE TABLE sign_of_life (
            machine TEXT PRIMARY KEY, at TEXT NOT NULL, expected_by TEXT NOT NULL, incident TEXT
        )""",
        """CREATE TABLE source (
            name TEXT PRIMARY KEY, kind TEXT NOT NULL, policy TEXT NOT NULL, place TEXT NOT NULL, settings TEXT NOT
            NULL, registered_at TEXT NOT NULL, held TEXT, released TEXT, retired_at TEXT, retired_because TEXT,
            released_at TEXT
        )""",
        """CREATE TABLE harvest (
            source TEXT NOT NULL, number INTEGER NOT NULL, seen_at TEXT NOT NULL, at TEXT NOT NULL, counts TEXT NOT
            NULL, accessions TEXT NOT NULL, state_package TEXT, is_base INTEGER NOT NULL, is_partial INTEGER NOT NULL,
            was_released INTEGER NOT NULL, PRIMARY KEY (source, number)
        )""",
        """CREATE TABLE incident (
            number INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, what TEXT NOT NULL,
            opened_at TEXT NOT NULL, closed_at TEXT, closed_with TEXT
        )""",
        """CREATE TABLE parity (
            package TEXT NOT NULL, store TEXT NOT NULL, percent INTEGER NOT NULL, bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL, layout TEXT NOT NULL, made_at TEXT NOT NULL, PRIMARY KEY (package, store)
        )""",
        "CREATE UNIQUE INDEX open_incident ON incident (kind, subject) WHERE closed_at IS NULL",
        "CREATE INDEX copy_by_lock ON copy (store, COALESCE(retain_until, ''), package, state)",
        """CREATE TABLE canary (
            store TEXT PRIMARY KEY, object TEXT NOT NULL, tried_at TEXT NOT NULL, profile TEXT, lock_until TEXT,
            effects TEXT NOT NULL
        )""",
        """CREATE TABLE thaw (
            store TEXT NOT NULL, object TEXT NOT NULL, package TEXT NOT NULL, bytes INTEGER NOT NULL, storage_class TEXT
            NOT NULL, tier TEXT NOT NULL, days INTEGER NOT NULL, purpose TEXT NOT NULL, asked_at TEXT NOT NULL,
            expected_at TEXT NOT NULL, PRIMARY KEY (store, object)
        )""",
        """CREATE TABLE thaw_month (
            store TEXT NOT NULL, month TEXT NOT NULL, bytes INTEGER NOT NULL, micros INTEGER NOT NULL, unpriced INTEGER
            NOT NULL, PRIMARY KEY (store, month)
        )""",
        "CREATE TABLE store_credentials (store TEXT PRIMARY KEY, auditor_profile TEXT, disposer_profile TEXT)",
        "CREATE INDEX audit_still_open ON audit_run (level, stores, begun) WHERE ended_at IS NULL",
        "CREATE INDEX audit_of_all ON audit_run (ended_at) WHERE packages IS NULL",
        "CREATE INDEX audit_by_scope ON audit_run (level, stores, begun)",
        "CREATE INDEX finding_still_open ON finding (number) WHERE closed_at IS NULL",
        "CREATE INDEX accession_still_open ON accession (id) WHERE unpackaged > 0 AND abandoned_because IS NULL",
        """CREATE TABLE job (
            kind TEXT NOT NULL, subject TEXT NOT NULL, holder TEXT, token INTEGER NOT NULL, lease_until TEXT,
            attempts INTEGER NOT NULL, not_before TEXT, why TEXT, PRIMARY KEY (kind, subject)
        )""",
        """CREATE TABLE kept (
            package TEXT PRIMARY KEY, policy TEXT NOT NULL, marks TEXT NOT NULL, payload_files INTEGER NOT NULL,
            payload_bytes INTEGER NOT NULL, packaged_at TEXT NOT NULL
        )""",
        """CREATE TABLE standing (
            policy TEXT NOT NULL, marks TEXT NOT NULL, packages INTEGER NOT NULL, payload_files INTEGER NOT NULL,
            payload_bytes INTEGER NOT NULL, PRIMARY KEY (policy, marks)
        )""",
        """CREATE TABLE look (
            package TEXT NOT NULL, store TEXT NOT NULL, policy TEXT NOT NULL, bytes INTEGER NOT NULL,
            is_new INTEGER NOT NULL, sample_at TEXT NOT NULL, full_at TEXT NOT NULL, verified_on TEXT,
            PRIMARY KEY (package, store)
        )""",
        """CREATE TABLE look_day (
            store TEXT NOT NULL, policy TEXT NOT NULL, level TEXT NOT NULL, is_new INTEGER NOT NULL, day TEXT NOT NULL,
            copies INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (store, policy, level, is_new, day)
        )""",
        """CREATE TABLE growth (
            store TEXT NOT NULL, day TEXT NOT NULL, number INTEGER NOT NULL, bytes INTEGER NOT NULL,
            PRIMARY KEY (store, day)
        )""",
        # What follows from the tables that are there: the same rows as a replay gives.
        """INSERT INTO kept SELECT id, json_extract(receipt, '$.policy'),
            (SELECT json_group_object(store, state) FROM
                (SELECT store, state FROM copy WHERE package = package.id ORDER BY store)),
            payload_files, payload_bytes, packaged_at FROM package""",
        """INSERT INTO standing SELECT policy, marks, count(*), sum(payload_files), sum(payload_bytes)
            FROM kept GROUP BY policy, marks""",
        """INSERT INTO look SELECT each.package, store, policy, bytes,
            COALESCE(json_extract(audits, '$.full'), booked_at) = booked_at,
            COALESCE(MAX(COALESCE(json_extract(audits, '$.sample'), json_extract(audits, '$.full')),
                COALESCE(json_extract(audits, '$.full'), json_extract(audits, '$.sample'))), booked_at),
            COALESCE(json_extract(audits, '$.full'), booked_at),
            CASE WHEN state = 'verified' THEN substr(booked_at, 1, 10) END
            FROM (SELECT package, store, bytes, booked_at, audits, state FROM copy
                UNION ALL SELECT package, store, bytes, booked_at, audits, NULL FROM retired_copy) AS each
            JOIN kept ON kept.package = each.package""",
        """INSERT INTO look_day SELECT store, policy, 'full', is_new, substr(full_at, 1, 10), count(*), sum(bytes)
            FROM look GROUP BY 1, 2, 3, 4, 5""",
        """INSERT INTO look_day SELECT store, policy, 'sample', is_new, substr(sample_at, 1, 10), count(*), sum(bytes)
            FROM look GROUP BY 1, 2, 3, 4, 5""",
        """INSERT INTO growth SELECT '', substr(packaged_at, 1, 10), count(*), sum(payload_bytes)
            FROM kept GROUP BY 1, 2""",
        """INSERT INTO growth SELECT store, verified_on, count(*), sum(bytes)
            FROM look WHERE verified_on IS NOT NULL GROUP BY 1, 2""",
        "CREATE INDEX kept_alike ON kept (policy, marks, packaged_at, package)",
        "CREATE INDEX look_full ON look (store, policy, is_new, full_at, package, bytes, sample_at)",
        "CREATE INDEX look_sample ON look (store, policy, sample_at, package, bytes)",
        """CREATE TABLE medium (
            number TEXT PRIMARY KEY, store TEXT NOT NULL, kind TEXT NOT NULL, serial TEXT NOT NULL, batch TEXT
            NOT NULL, capacity_bytes INTEGER NOT NULL, copy_set TEXT, place TEXT NOT NULL, keeper TEXT NOT NULL,
            in_service_since TEXT NOT NULL, registered_at TEXT NOT NULL, custody TEXT NOT NULL, seal TEXT NOT
            NULL, held_by TEXT NOT NULL, purpose TEXT, moved_at TEXT, due_back TEXT, label INTEGER NOT NULL,
            label_sha256 TEXT, label_entries INTEGER, inspected_at TEXT, inspected_well INTEGER, refreshed_into
            TEXT, hold_until TEXT
        )""",
        "CREATE UNIQUE INDEX medium_by_store ON medium (store)",
        """CREATE TABLE medium_custody (
            entry INTEGER PRIMARY KEY, medium TEXT NOT NULL, at TEXT NOT NULL, booked_by TEXT NOT NULL,
            going_out INTEGER NOT NULL, person TEXT NOT NULL, seal TEXT NOT NULL, purpose TEXT, due_back TEXT,
            approved_by TEXT, seal_whole INTEGER, custody TEXT, place TEXT, carrier_condition TEXT, packages INTEGER
        )""",
        "CREATE INDEX custody_by_medium ON medium_custody (medium, entry)",
        """CREATE TABLE medium_inspection (
            entry INTEGER PRIMARY KEY, medium TEXT NOT NULL, at TEXT NOT NULL, booked_by TEXT NOT NULL, cause
            TEXT NOT NULL, carrier_condition TEXT NOT NULL, readability TEXT NOT NULL, fixity TEXT NOT NULL, run
            TEXT, copies INTEGER NOT NULL, not_sound INTEGER NOT NULL, note TEXT NOT NULL
        )""",
        "CREATE INDEX inspection_by_medium ON medium_inspection (medium, entry)",
        """CREATE TABLE medium_refresh (
            entry INTEGER PRIMARY KEY, old_medium TEXT NOT NULL, new_medium TEXT NOT NULL, plan TEXT NOT NULL,
            begun_at TEXT NOT NULL, ended_at TEXT, outcome TEXT
        )""",
        """CREATE TABLE reader (
            name TEXT PRIMARY KEY, kinds TEXT NOT NULL, checked_at TEXT NOT NULL, works INTEGER NOT NULL, note
            TEXT NOT NULL
        )""",
        """CREATE TABLE drill (
            number INTEGER PRIMARY KEY, store TEXT NOT NULL, begun_at TEXT NOT NULL, sample INTEGER,
            seed TEXT NOT NULL, without_catalog INTEGER NOT NULL, faults TEXT NOT NULL, packages INTEGER NOT NULL,
            files INTEGER NOT NULL, bytes INTEGER NOT NULL, unopened INTEGER NOT NULL, unjudged INTEGER NOT NULL,
            acknowledged INTEGER NOT NULL, unread_bags INTEGER NOT NULL,
            rpo_seconds INTEGER, lost_seconds INTEGER NOT NULL, rto_milliseconds INTEGER,
            rto_unjudged INTEGER NOT NULL, thaw TEXT NOT NULL, policies TEXT NOT NULL,
            certificate TEXT NOT NULL, certificate_sha256 TEXT NOT NULL
        )""",
        """CREATE TABLE identified (
            package TEXT PRIMARY KEY, policy TEXT NOT NULL, release TEXT NOT NULL, tool TEXT NOT NULL, pronom
            TEXT NOT NULL, own_sha256 TEXT NOT NULL, number INTEGER NOT NULL, bytes INTEGER NOT NULL, sha256
            TEXT NOT NULL, files INTEGER NOT NULL, at TEXT NOT NULL
        )""",
        "CREATE INDEX identified_by_release ON identified (policy, release, package)",
        """CREATE TABLE format_list (
            package TEXT NOT NULL, store TEXT NOT NULL, number INTEGER NOT NULL, generation INTEGER NOT NULL,
            PRIMARY KEY (package, store, number)
        )""",
        """CREATE TABLE list_lacking (
            package TEXT NOT NULL, store TEXT NOT NULL, policy TEXT NOT NULL, PRIMARY KEY (package, store)
        )""",
        "CREATE INDEX list_lacking_by_policy ON list_lacking (policy, store, package)",
        """CREATE TABLE package_format (
            package TEXT NOT NULL, puid TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL, by_hand INTEGER
            NOT NULL, PRIMARY KEY (package, puid)
        )""",
        "CREATE INDEX package_by_format ON package_format (puid, package)",
        """CREATE TABLE package_oddity (
            package TEXT NOT NULL, oddity TEXT NOT NULL, files INTEGER NOT NULL, settled INTEGER NOT NULL,
            PRIMARY KEY (package, oddity)
        )""",
        "CREATE INDEX package_by_oddity ON package_oddity (oddity, package)",
        """CREATE TABLE policy_format (
            policy TEXT NOT NULL, puid TEXT NOT NULL, packages INTEGER NOT NULL, files INTEGER NOT NULL, bytes
            INTEGER NOT NULL, by_hand INTEGER NOT NULL, PRIMARY KEY (policy, puid)
        )""",
        """CREATE TABLE policy_oddity (
            policy TEXT NOT NULL, oddity TEXT NOT NULL, packages INTEGER NOT NULL, waiting INTEGER NOT NULL, files
            INTEGER NOT NULL, settled INTEGER NOT NULL, PRIMARY KEY (policy, oddity)
        )""",
        """CREATE TABLE settlement (
            entry INTEGER PRIMARY KEY, id TEXT NOT NULL, package TEXT NOT NULL, number INTEGER NOT NULL, what TEXT NOT
            NULL, files INTEGER NOT NULL, terms TEXT NOT NULL, at TEXT NOT NULL, booked_by TEXT NOT NULL, because TEXT
            NOT NULL
        )""",
        "CREATE INDEX settlement_by_package ON settlement (package, entry)",
        "CREATE INDEX settlement_by_id ON settlement (id, package)",
        """CREATE TABLE policy_release (
            policy TEXT NOT NULL, release TEXT NOT NULL, packages INTEGER NOT NULL, told_at TEXT NOT NULL,
            PRIMARY KEY (policy, release)
        )""",
        """CREATE TABLE format_name (
            puid TEXT PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, mime TEXT NOT NULL
        )""",
        """CREATE TABLE format_ratings (
            publisher TEXT NOT NULL, version INTEGER NOT NULL, edition TEXT NOT NULL, sha256 TEXT NOT NULL,
            text TEXT NOT NULL, imported_at TEXT NOT NULL, PRIMARY KEY (publisher, version)
        )""",
        """CREATE TABLE format_risk (
            record INTEGER NOT NULL, puid TEXT NOT NULL, at TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT
            NULL, total INTEGER, reader TEXT NOT NULL, score INTEGER NOT NULL, advice TEXT NOT NULL,
            PRIMARY KEY (record, puid)
        )""",
        """CREATE TABLE migration (
            number INTEGER PRIMARY KEY, title TEXT NOT NULL, scope TEXT NOT NULL, grounds TEXT NOT NULL, pathways TEXT
            NOT NULL, packages INTEGER NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL, planned_by TEXT NOT
            NULL, planned_at TEXT NOT NULL, because TEXT NOT NULL, state TEXT NOT NULL, state_before TEXT, executor
            TEXT NOT NULL, auditor TEXT NOT NULL, stop_cause TEXT, stop_why TEXT, stopped_at TEXT, ended_at TEXT, done
            INTEGER NOT NULL, versions INTEGER NOT NULL, converted INTEGER NOT NULL, stopped INTEGER NOT NULL, failed
            INTEGER NOT NULL, refused INTEGER NOT NULL, undecided INTEGER NOT NULL, to_carry_out INTEGER NOT NULL,
            bytes_before INTEGER NOT NULL, bytes_after INTEGER NOT NULL, milliseconds INTEGER NOT NULL,
            judging_milliseconds INTEGER NOT NULL, rollback_tested INTEGER NOT NULL
        )""",
        """CREATE TABLE migration_format (
            migration INTEGER NOT NULL, puid TEXT NOT NULL, PRIMARY KEY (migration, puid)
        )""",
        """CREATE TABLE migration_pilot (
            migration INTEGER NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY
            (migration, number)
        )""",
        """CREATE TABLE migration_approval (
            migration INTEGER NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, pilot INTEGER NOT NULL, pathway
            TEXT NOT NULL, sha256 TEXT NOT NULL, tools TEXT NOT NULL, accepted TEXT NOT NULL, note TEXT NOT NULL,
            approved_by TEXT NOT NULL, because TEXT NOT NULL, PRIMARY KEY (migration, number)
        )""",
        """CREATE TABLE migration_package (
            migration INTEGER NOT NULL, package TEXT NOT NULL, policy TEXT NOT NULL, files INTEGER NOT NULL, bytes
            INTEGER NOT NULL, done INTEGER, done_at TEXT, into_packages TEXT NOT NULL, said TEXT, log_sha256 TEXT,
            undecided INTEGER NOT NULL, to_carry_out INTEGER NOT NULL, rolled_back INTEGER NOT NULL, PRIMARY KEY
            (migration, package)
        )""",
        "CREATE INDEX migration_by_package ON migration_package (package, migration)",
        "CREATE INDEX migration_to_do ON migration_package (migration, package) WHERE done IS NULL OR to_carry_out > 0",
        """CREATE TABLE migration_version (
            package TEXT NOT NULL, migration INTEGER NOT NULL, original TEXT NOT NULL, PRIMARY KEY (package,
            migration)
        )""",
        "CREATE INDEX migration_version_by_original ON migration_version (original)",
        """CREATE TABLE migration_loss (
            migration INTEGER NOT NULL, what TEXT NOT NULL, type TEXT NOT NULL, severity TEXT NOT NULL, comparison
            TEXT NOT NULL, declared TEXT NOT NULL, files INTEGER NOT NULL, PRIMARY KEY (migration, what, type,
            severity, comparison, declared)
        )""",
        """CREATE TABLE file_decision (
            migration INTEGER NOT NULL, package TEXT NOT NULL, path TEXT NOT NULL, entry INTEGER NOT NULL, at TEXT NOT
            NULL, accepted INTEGER NOT NULL, decided_by TEXT NOT NULL, because TEXT NOT NULL, PRIMARY KEY (migration,
            package, path)
        )""",
        """CREATE TABLE file_viewed (
            migration INTEGER NOT NULL, pilot INTEGER NOT NULL, package TEXT NOT NULL, path TEXT NOT NULL, viewed_by
            TEXT NOT NULL, at TEXT NOT NULL, because TEXT NOT NULL, PRIMARY KEY (migration, pilot, package, path,
            viewed_by)
        )""",
        """CREATE TABLE acknowledged (
            sha256 TEXT PRIMARY KEY, place TEXT NOT NULL, why TEXT NOT NULL, drill TEXT NOT NULL, at TEXT NOT NULL,
            booked_by TEXT NOT NULL, because TEXT NOT NULL
        )""",
        """CREATE TABLE told (
            addressee TEXT NOT NULL, concern TEXT NOT NULL, mark INTEGER NOT NULL, first_at TEXT NOT NULL,
            what TEXT NOT NULL, PRIMARY KEY (addressee, concern)
        )""",
        """CREATE TABLE delivery (
            addressee TEXT PRIMARY KEY, sent_at TEXT, attempts INTEGER NOT NULL, next_at TEXT, failing_since TEXT,
            error TEXT
        )""",
    ),
}
"""The statements that lead on from each schema to the next."""
