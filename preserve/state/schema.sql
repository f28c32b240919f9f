-- The books of one home, schema 3 (schema_steps.py makes it of earlier ones).
--
-- Evidence: the entries of the ledger, byte for byte, and the hashes of their Merkle tree.
-- Catalog: what the entries say, applied in order; replaying them into an empty database gives equal tables.
-- Notes: conveniences that may be lost without loss.
--
-- Each table of the catalog begins with its key.  Portable SQL (postgres_database.py spells the types); lists and objects are canonical JSON text, moments are RFC 3339 in UTC, digests are hexadecimal.

CREATE TABLE schema_version (version INTEGER PRIMARY KEY);

-- Evidence ------------------------------------------------------------------------------------------------------------

CREATE TABLE entry (
    number INTEGER PRIMARY KEY,          -- leaf index, from 0
    content BLOB NOT NULL
);
CREATE TABLE node (
    position INTEGER PRIMARY KEY,        -- preserve.model.merkle.stored_position
    hash BLOB NOT NULL
);
CREATE TABLE head (
    "only" INTEGER PRIMARY KEY CHECK ("only" = 1),
    size INTEGER NOT NULL,
    frontier BLOB NOT NULL               -- roots of the maximal perfect subtrees, largest first
);
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    note BLOB NOT NULL                   -- as signed and published
);

-- Catalog -------------------------------------------------------------------------------------------------------------

CREATE TABLE home (
    home_id TEXT PRIMARY KEY,
    initialised_at TEXT NOT NULL
);
CREATE TABLE verifier_key (
    since INTEGER PRIMARY KEY,           -- number of the entry that brought it
    text TEXT NOT NULL
);
CREATE TABLE store (
    name TEXT PRIMARY KEY,
    store_id TEXT NOT NULL,
    role TEXT NOT NULL,
    url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    profile TEXT,
    probed_at TEXT,
    probe_ok INTEGER,
    complaints TEXT NOT NULL
);
CREATE TABLE store_credentials (         -- whose keys do what in a store, in use or retired, beside the writer's
    store TEXT PRIMARY KEY,
    auditor_profile TEXT,
    disposer_profile TEXT
);
CREATE TABLE canary (                    -- the last trial in each store, in use or retired
    store TEXT PRIMARY KEY,
    object TEXT NOT NULL,
    tried_at TEXT NOT NULL,
    profile TEXT,
    lock_until TEXT,
    effects TEXT NOT NULL                -- {holder of a key: {attempt: effect}}
);

CREATE TABLE thaw (                      -- what was asked for last of each object in cold storage
    store TEXT NOT NULL, object TEXT NOT NULL, package TEXT NOT NULL, bytes INTEGER NOT NULL, storage_class TEXT NOT
    NULL, tier TEXT NOT NULL, days INTEGER NOT NULL, purpose TEXT NOT NULL, asked_at TEXT NOT NULL, expected_at TEXT
    NOT NULL, PRIMARY KEY (store, object)
);

CREATE TABLE thaw_month (                -- how much of a store was asked for in a month, and at what expected cost
    store TEXT NOT NULL, month TEXT NOT NULL, bytes INTEGER NOT NULL, micros INTEGER NOT NULL, unpriced INTEGER NOT
    NULL, PRIMARY KEY (store, month)
);
CREATE TABLE retired_store (             -- out of use: moved here from `store`, and back when it is added again
    name TEXT PRIMARY KEY,
    store_id TEXT NOT NULL,
    role TEXT NOT NULL,
    url TEXT NOT NULL,
    attributes TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    profile TEXT,
    retired_at TEXT NOT NULL,
    retired_because TEXT NOT NULL,
    is_lost INTEGER NOT NULL
);
CREATE TABLE policy (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL,
    registered_at TEXT NOT NULL,
    PRIMARY KEY (name, version)
);
CREATE INDEX policy_by_digest ON policy (sha256);

CREATE TABLE declarations (
    standard TEXT NOT NULL,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL,
    declared_at TEXT NOT NULL,
    PRIMARY KEY (standard, version)
);

CREATE TABLE accession (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    listing_sha256 TEXT NOT NULL,
    metadata_sha256 TEXT,
    policy_sha256 TEXT NOT NULL,
    packages TEXT NOT NULL,
    accession_at TEXT NOT NULL,
    begun INTEGER NOT NULL,              -- number of the entry
    unpackaged INTEGER NOT NULL,         -- how many of its packages are not booked yet
    abandoned_because TEXT
);
CREATE INDEX accession_by_source ON accession (source, begun);
CREATE INDEX accession_still_open ON accession (id) WHERE unpackaged > 0 AND abandoned_because IS NULL;

CREATE TABLE package (
    id TEXT PRIMARY KEY,
    accession TEXT,
    receipt TEXT NOT NULL,
    receipt_sha256 TEXT NOT NULL,
    receipt_bytes INTEGER NOT NULL,
    payload_files INTEGER NOT NULL,
    payload_bytes INTEGER NOT NULL,
    packaged_at TEXT NOT NULL
);
CREATE TABLE record (
    archival_code TEXT NOT NULL,
    package TEXT NOT NULL,
    PRIMARY KEY (archival_code, package)
);
CREATE TABLE copy (
    package TEXT NOT NULL,
    store TEXT NOT NULL,
    state TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    generations TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    audited_at TEXT,
    audited_level TEXT,
    audits TEXT NOT NULL,                -- {level: when it last got an answer}
    retain_until TEXT,
    PRIMARY KEY (package, store)
);
CREATE INDEX copy_by_store ON copy (store, package);
CREATE INDEX copy_by_lock ON copy (store, COALESCE(retain_until, ''), package, state);

CREATE TABLE retired_copy (              -- in retired stores: moved here from `copy`, so that nothing counts them
    package TEXT NOT NULL,
    store TEXT NOT NULL,
    state TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    generations TEXT NOT NULL,
    booked_at TEXT NOT NULL,
    audited_at TEXT,
    audited_level TEXT,
    audits TEXT NOT NULL,
    retain_until TEXT,
    PRIMARY KEY (package, store)
);
CREATE INDEX retired_copy_by_store ON retired_copy (store, package);

CREATE TABLE parity (                    -- beside copies, in use or retired, that have any
    package TEXT NOT NULL,
    store TEXT NOT NULL,
    percent INTEGER NOT NULL,            -- share of all sectors that may be bad, scattered
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    layout TEXT NOT NULL,                -- {sizes, cells, pages}: preserve.model.parity.Layout
    made_at TEXT NOT NULL,
    PRIMARY KEY (package, store)
);

CREATE TABLE kept (                      -- each package, and how its copies in use stand
    package TEXT PRIMARY KEY,
    policy TEXT NOT NULL,                -- its name; the newest version of it counts
    marks TEXT NOT NULL,                 -- {store: state of the copy}
    payload_files INTEGER NOT NULL,
    payload_bytes INTEGER NOT NULL,
    packaged_at TEXT NOT NULL
);
CREATE INDEX kept_alike ON kept (policy, marks, packaged_at, package);
CREATE TABLE standing (                  -- the same counted, so that nobody has to
    policy TEXT NOT NULL,
    marks TEXT NOT NULL,
    packages INTEGER NOT NULL,
    payload_files INTEGER NOT NULL,
    payload_bytes INTEGER NOT NULL,
    PRIMARY KEY (policy, marks)
);
CREATE TABLE look (                      -- since when nobody has looked at a copy; of retired stores too
    package TEXT NOT NULL,
    store TEXT NOT NULL,
    policy TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    is_new INTEGER NOT NULL,             -- 1 until all of it is read for the first time after its booking
    sample_at TEXT NOT NULL,             -- last sample or full reading, else the booking
    full_at TEXT NOT NULL,               -- last full reading, else the booking
    verified_on TEXT,                    -- the day of the booking, if it stands verified in a store in use
    PRIMARY KEY (package, store)
);
CREATE INDEX look_full ON look (store, policy, is_new, full_at, package, bytes, sample_at);
CREATE INDEX look_sample ON look (store, policy, sample_at, package, bytes);
CREATE TABLE look_day (                  -- the same counted by the days of the last looks
    store TEXT NOT NULL,
    policy TEXT NOT NULL,
    level TEXT NOT NULL,                 -- full or sample
    is_new INTEGER NOT NULL,
    day TEXT NOT NULL,
    copies INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (store, policy, level, is_new, day)
);
CREATE TABLE growth (                    -- what was made on each day, of what is kept now
    store TEXT NOT NULL,                 -- in which a copy stands verified; empty: the packages themselves
    day TEXT NOT NULL,
    number INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (store, day)
);

CREATE TABLE finding (
    number INTEGER PRIMARY KEY,          -- of the entry that opened it
    package TEXT,
    store TEXT NOT NULL,
    condition TEXT NOT NULL,
    place TEXT NOT NULL,
    expected TEXT NOT NULL,
    found TEXT NOT NULL,
    blocks TEXT NOT NULL,
    files TEXT NOT NULL,
    files_touched INTEGER NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    closed_with TEXT
);
CREATE UNIQUE INDEX open_finding ON finding (store, place, condition, COALESCE(package, '')) WHERE closed_at IS NULL;
CREATE INDEX finding_by_package ON finding (package);
CREATE INDEX finding_still_open ON finding (number) WHERE closed_at IS NULL;

CREATE TABLE source (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    policy TEXT NOT NULL,
    place TEXT NOT NULL,
    settings TEXT NOT NULL,              -- what else preserve.model.sources.SourceEntry has
    registered_at TEXT NOT NULL,
    held TEXT,                           -- the upheaval for which the brake holds it
    released TEXT,                       -- the one that a person let pass for the next harvest
    retired_at TEXT,
    retired_because TEXT,
    released_at TEXT
);
CREATE TABLE harvest (
    source TEXT NOT NULL,
    number INTEGER NOT NULL,             -- from 1 for each source
    seen_at TEXT NOT NULL,               -- when its listing began: what it is of
    at TEXT NOT NULL,
    counts TEXT NOT NULL,
    accessions TEXT NOT NULL,
    state_package TEXT,                  -- NULL: nothing differs from the state before
    is_base INTEGER NOT NULL,
    is_partial INTEGER NOT NULL,
    was_released INTEGER NOT NULL,       -- a person had let pass what moved in it
    PRIMARY KEY (source, number)
);
CREATE TABLE incident (
    number INTEGER PRIMARY KEY,          -- of the entry that opened it
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    what TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    closed_with TEXT
);
CREATE UNIQUE INDEX open_incident ON incident (kind, subject) WHERE closed_at IS NULL;

CREATE TABLE medium (
    number TEXT PRIMARY KEY,             -- on the box and the label, given by people
    store TEXT NOT NULL,                 -- its name
    kind TEXT NOT NULL,
    serial TEXT NOT NULL,
    batch TEXT NOT NULL,
    capacity_bytes INTEGER NOT NULL,
    copy_set TEXT,
    place TEXT NOT NULL,
    keeper TEXT NOT NULL,
    in_service_since TEXT NOT NULL,
    registered_at TEXT NOT NULL,
    custody TEXT NOT NULL,
    seal TEXT NOT NULL,
    held_by TEXT NOT NULL,
    purpose TEXT,
    moved_at TEXT,
    due_back TEXT,
    label INTEGER NOT NULL,              -- generation; 0: none was laid
    label_sha256 TEXT,
    label_entries INTEGER,
    inspected_at TEXT,
    inspected_well INTEGER,
    refreshed_into TEXT,
    hold_until TEXT
);
CREATE UNIQUE INDEX medium_by_store ON medium (store);
CREATE TABLE medium_custody (
    entry INTEGER PRIMARY KEY,           -- number of the entry
    medium TEXT NOT NULL,
    at TEXT NOT NULL,
    booked_by TEXT NOT NULL,
    going_out INTEGER NOT NULL,
    person TEXT NOT NULL,
    seal TEXT NOT NULL,
    purpose TEXT,
    due_back TEXT,
    approved_by TEXT,
    seal_whole INTEGER,
    custody TEXT,
    place TEXT,
    carrier_condition TEXT,
    packages INTEGER
);
CREATE INDEX custody_by_medium ON medium_custody (medium, entry);
CREATE TABLE medium_inspection (
    entry INTEGER PRIMARY KEY,
    medium TEXT NOT NULL,
    at TEXT NOT NULL,
    booked_by TEXT NOT NULL,
    cause TEXT NOT NULL,
    carrier_condition TEXT NOT NULL,
    readability TEXT NOT NULL,
    fixity TEXT NOT NULL,
    run TEXT,
    copies INTEGER NOT NULL,
    not_sound INTEGER NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX inspection_by_medium ON medium_inspection (medium, entry);
CREATE TABLE medium_refresh (
    entry INTEGER PRIMARY KEY,
    old_medium TEXT NOT NULL,
    new_medium TEXT NOT NULL,
    plan TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT
);
CREATE TABLE reader (
    name TEXT PRIMARY KEY,
    kinds TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    works INTEGER NOT NULL,
    note TEXT NOT NULL
);

CREATE TABLE drill (
    number INTEGER PRIMARY KEY,          -- of the entry that tells of it
    store TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    sample INTEGER,                      -- packages to be drawn, NULL for everything
    seed TEXT NOT NULL,
    without_catalog INTEGER NOT NULL,
    faults TEXT NOT NULL,
    packages INTEGER NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    unopened INTEGER NOT NULL,
    unjudged INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    unread_bags INTEGER NOT NULL,
    rpo_seconds INTEGER,
    lost_seconds INTEGER NOT NULL,
    rto_milliseconds INTEGER,            -- NULL: nobody knows how long thawing took
    rto_unjudged INTEGER NOT NULL,
    thaw TEXT NOT NULL,                  -- null, or what thawing took
    policies TEXT NOT NULL,
    certificate TEXT NOT NULL,
    certificate_sha256 TEXT NOT NULL
);

CREATE TABLE identified (                -- packages whose formats were told; only the last time counts
    package TEXT PRIMARY KEY,
    policy TEXT NOT NULL,                -- under which it was taken in
    release TEXT NOT NULL,               -- preserve.model.formats.identification.Release.digest
    tool TEXT NOT NULL,
    pronom TEXT NOT NULL,
    own_sha256 TEXT NOT NULL,
    number INTEGER NOT NULL,             -- how many times; names the object
    bytes INTEGER NOT NULL,              -- of the object formats.<number>.parquet
    sha256 TEXT NOT NULL,
    files INTEGER NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX identified_by_release ON identified (policy, release, package);

CREATE TABLE format_list (               -- which copies have such an object beside them
    package TEXT NOT NULL,
    store TEXT NOT NULL,
    number INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (package, store, number)
);

CREATE TABLE list_lacking (              -- verified copies of identified packages without their list beside them
    package TEXT NOT NULL,
    store TEXT NOT NULL,
    policy TEXT NOT NULL,
    PRIMARY KEY (package, store)
);
CREATE INDEX list_lacking_by_policy ON list_lacking (policy, store, package);

CREATE TABLE package_format (
    package TEXT NOT NULL,
    puid TEXT NOT NULL,                  -- as it counts: by hand where a person said it
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    by_hand INTEGER NOT NULL,            -- of these files
    PRIMARY KEY (package, puid)
);
CREATE INDEX package_by_format ON package_format (puid, package);

CREATE TABLE package_oddity (
    package TEXT NOT NULL,
    oddity TEXT NOT NULL,
    files INTEGER NOT NULL,
    settled INTEGER NOT NULL,            -- of these; the others wait for a person
    PRIMARY KEY (package, oddity)
);
CREATE INDEX package_by_oddity ON package_oddity (oddity, package);

CREATE TABLE policy_format (             -- all packages of a policy together; counted as they are identified
    policy TEXT NOT NULL,
    puid TEXT NOT NULL,
    packages INTEGER NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    by_hand INTEGER NOT NULL,
    PRIMARY KEY (policy, puid)
);

CREATE TABLE policy_oddity (             -- likewise
    policy TEXT NOT NULL,
    oddity TEXT NOT NULL,
    packages INTEGER NOT NULL,
    waiting INTEGER NOT NULL,            -- packages with files that are not settled
    files INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    PRIMARY KEY (policy, oddity)
);

CREATE TABLE settlement (                -- what persons said of files that were odd, or not told rightly
    entry INTEGER PRIMARY KEY,
    id TEXT NOT NULL,                    -- of the act: the same for all its packages
    package TEXT NOT NULL,
    number INTEGER NOT NULL,             -- identification that the person looked at
    what TEXT NOT NULL,
    files INTEGER NOT NULL,
    terms TEXT NOT NULL,                 -- which files, and what was said of them
    at TEXT NOT NULL,
    booked_by TEXT NOT NULL,
    because TEXT NOT NULL
);
CREATE INDEX settlement_by_package ON settlement (package, entry);
CREATE INDEX settlement_by_id ON settlement (id, package);

CREATE TABLE policy_release (            -- how many packages of a policy were identified last with a release
    policy TEXT NOT NULL,
    release TEXT NOT NULL,
    packages INTEGER NOT NULL,
    told_at TEXT NOT NULL,               -- when the last of them was
    PRIMARY KEY (policy, release)
);

CREATE TABLE format_name (               -- as the tool calls it
    puid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    mime TEXT NOT NULL
);

CREATE TABLE format_ratings (            -- what institutions published on the risk of formats, as it was imported
    publisher TEXT NOT NULL,
    version INTEGER NOT NULL,
    edition TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL,
    imported_at TEXT NOT NULL,
    PRIMARY KEY (publisher, version)
);

CREATE TABLE format_risk (               -- how endangered the holdings were by their formats, whenever it was recorded
    record INTEGER NOT NULL,             -- number of the entry
    puid TEXT NOT NULL,
    at TEXT NOT NULL,
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    total INTEGER,                       -- rating of the format; NULL: nobody had rated it
    reader TEXT NOT NULL,
    score INTEGER NOT NULL,
    advice TEXT NOT NULL,
    PRIMARY KEY (record, puid)
);

CREATE TABLE migration (                 -- of formats
    number INTEGER PRIMARY KEY,          -- from 1
    title TEXT NOT NULL,
    scope TEXT NOT NULL,
    grounds TEXT NOT NULL,
    pathways TEXT NOT NULL,              -- what the plan considers: digests of declarations by name
    packages INTEGER NOT NULL,           -- what the scope came to when it was planned
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    planned_by TEXT NOT NULL,
    planned_at TEXT NOT NULL,
    because TEXT NOT NULL,
    state TEXT NOT NULL,
    state_before TEXT,                   -- to which it goes back when it is reinstated
    executor TEXT NOT NULL,
    auditor TEXT NOT NULL,
    stop_cause TEXT,
    stop_why TEXT,
    stopped_at TEXT,
    ended_at TEXT,
    done INTEGER NOT NULL,               -- counted as its packages are done
    versions INTEGER NOT NULL,
    converted INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    undecided INTEGER NOT NULL,
    to_carry_out INTEGER NOT NULL,
    bytes_before INTEGER NOT NULL,
    bytes_after INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    judging_milliseconds INTEGER NOT NULL,
    rollback_tested INTEGER NOT NULL     -- something was rolled back and reinstated
);
CREATE TABLE migration_format (
    migration INTEGER NOT NULL,
    puid TEXT NOT NULL,
    PRIMARY KEY (migration, puid)
);
CREATE TABLE migration_pilot (
    migration INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    said TEXT NOT NULL,                  -- the details of the entry
    PRIMARY KEY (migration, number)
);
CREATE TABLE migration_approval (
    migration INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    pilot INTEGER NOT NULL,
    pathway TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    tools TEXT NOT NULL,
    accepted TEXT NOT NULL,
    note TEXT NOT NULL,                  -- the document as it was signed
    approved_by TEXT NOT NULL,
    because TEXT NOT NULL,
    PRIMARY KEY (migration, number)
);
CREATE TABLE migration_package (         -- the original packages that a migration is about
    migration INTEGER NOT NULL,
    package TEXT NOT NULL,
    policy TEXT NOT NULL,
    files INTEGER NOT NULL,              -- in the formats meant, when it was planned
    bytes INTEGER NOT NULL,
    done INTEGER,                        -- number of the entry; NULL: it is due
    done_at TEXT,
    into_packages TEXT NOT NULL,
    said TEXT,                           -- what its files came to
    log_sha256 TEXT,
    undecided INTEGER NOT NULL,
    to_carry_out INTEGER NOT NULL,
    rolled_back INTEGER NOT NULL,
    PRIMARY KEY (migration, package)
);
CREATE INDEX migration_by_package ON migration_package (package, migration);
CREATE INDEX migration_to_do ON migration_package (migration, package) WHERE done IS NULL OR to_carry_out > 0;
CREATE TABLE migration_version (         -- packages that migrations made
    package TEXT NOT NULL,
    migration INTEGER NOT NULL,
    original TEXT NOT NULL,
    PRIMARY KEY (package, migration)
);
CREATE INDEX migration_version_by_original ON migration_version (original);
CREATE TABLE migration_loss (            -- of all packages of a migration together
    migration INTEGER NOT NULL,
    what TEXT NOT NULL,
    type TEXT NOT NULL,
    severity TEXT NOT NULL,
    comparison TEXT NOT NULL,
    declared TEXT NOT NULL,
    files INTEGER NOT NULL,
    PRIMARY KEY (migration, what, type, severity, comparison, declared)
);
CREATE TABLE file_decision (
    migration INTEGER NOT NULL,
    package TEXT NOT NULL,
    path TEXT NOT NULL,                  -- as preserve.model.migrations.path_text writes it
    entry INTEGER NOT NULL,              -- number of the entry
    at TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    decided_by TEXT NOT NULL,
    because TEXT NOT NULL,
    PRIMARY KEY (migration, package, path)
);

CREATE TABLE file_viewed (               -- converted files that a person looked at
    migration INTEGER NOT NULL,
    pilot INTEGER NOT NULL,              -- whose results; 0: those of the run
    package TEXT NOT NULL,
    path TEXT NOT NULL,                  -- as preserve.model.migrations.path_text writes it
    viewed_by TEXT NOT NULL,
    at TEXT NOT NULL,
    because TEXT NOT NULL,
    PRIMARY KEY (migration, pilot, package, path, viewed_by)
);

CREATE TABLE acknowledged (              -- documents that do not open, for which a person answers
    sha256 TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    why TEXT NOT NULL,
    drill TEXT NOT NULL,
    at TEXT NOT NULL,
    booked_by TEXT NOT NULL,
    because TEXT NOT NULL
);

CREATE TABLE audit_run (
    id TEXT PRIMARY KEY,
    level TEXT NOT NULL,
    stores TEXT NOT NULL,
    packages TEXT,
    begun INTEGER NOT NULL,              -- number of the entry
    begun_at TEXT NOT NULL,
    ended_at TEXT,
    counts TEXT
);
CREATE INDEX audit_still_open ON audit_run (level, stores, begun) WHERE ended_at IS NULL;
CREATE INDEX audit_of_all ON audit_run (ended_at) WHERE packages IS NULL;
CREATE INDEX audit_by_scope ON audit_run (level, stores, begun);
CREATE TABLE audited (                   -- of runs that have not ended: theirs is the ledger's to tell
    run TEXT NOT NULL,
    store TEXT NOT NULL,
    package TEXT NOT NULL,
    level TEXT NOT NULL,
    result TEXT NOT NULL,
    blocks_read INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    bytes_read INTEGER NOT NULL,
    PRIMARY KEY (run, store, package)
);

-- Notes ---------------------------------------------------------------------------------------------------------------

CREATE TABLE published (
    store TEXT PRIMARY KEY,
    size INTEGER NOT NULL                -- how many entries this home has put there
);
CREATE TABLE absence (
    machine TEXT NOT NULL,               -- from which it is away
    store TEXT NOT NULL,
    since TEXT NOT NULL,                 -- when a command there first failed to reach it
    PRIMARY KEY (machine, store)
);
CREATE TABLE clock_reading (             -- what the clock of each machine showed when it was last trusted
    machine TEXT PRIMARY KEY,
    at TEXT,
    counter_milliseconds INTEGER,        -- since start `boot` of the machine
    boot TEXT,
    entries INTEGER,                     -- of the ledger, then
    incident TEXT,                       -- opened because it is not trusted any more
    newest TEXT                          -- moment in the ledger that it was held against then
);
CREATE TABLE sign_of_life (              -- the last of the runner on each machine
    machine TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    expected_by TEXT NOT NULL,
    incident TEXT                        -- opened because the next did not come
);
CREATE TABLE progress (
    job TEXT PRIMARY KEY,
    state TEXT NOT NULL
);
CREATE TABLE job (                       -- work on duties: who is at it, how often it failed
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    holder TEXT,
    token INTEGER NOT NULL,
    lease_until TEXT,
    attempts INTEGER NOT NULL,
    not_before TEXT,
    why TEXT,
    PRIMARY KEY (kind, subject)
);
CREATE TABLE told (                      -- of what each addressee was told
    addressee TEXT NOT NULL,
    concern TEXT NOT NULL,
    mark INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (addressee, concern)
);
CREATE TABLE delivery (                  -- how telling each addressee goes
    addressee TEXT PRIMARY KEY,
    sent_at TEXT,
    attempts INTEGER NOT NULL,           -- in vain, since the last that was not
    next_at TEXT,
    failing_since TEXT,
    error TEXT
);
