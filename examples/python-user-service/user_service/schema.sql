CREATE TABLE IF NOT EXISTS users (
    id         text COLLATE "C" PRIMARY KEY,
    email      text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    status     integer NOT NULL,
    metadata   jsonb NOT NULL,
    password   text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
-- Under the collation "C", lower() changes ASCII letters only.
CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON users (lower(email));
CREATE INDEX IF NOT EXISTS users_created_at ON users (created_at, id);
CREATE INDEX IF NOT EXISTS users_name ON users (name, id);

-- What streams send: the new state of each user that was created or updated.
-- `transaction` says which changes an earlier snapshot did not see yet.
CREATE TABLE IF NOT EXISTS changes (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    id          text NOT NULL,
    email       text NOT NULL,
    name        text NOT NULL,
    status      integer NOT NULL,
    metadata    jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS changes_transaction ON changes (transaction);
CREATE INDEX IF NOT EXISTS changes_at ON changes (at);
