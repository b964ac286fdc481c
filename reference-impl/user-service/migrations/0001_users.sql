-- Text is compared by Unicode code point (USR-13): in UTF-8 that is the order of bytes, collation "C".
CREATE TABLE users (
    id            uuid        PRIMARY KEY,
    email         text        COLLATE "C" NOT NULL,
    name          text        COLLATE "C" NOT NULL,
    status        text        NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'SUSPENDED')),
    metadata      jsonb       NOT NULL,
    -- A PHC string; null for a user without a password (USR-6).
    password_hash text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- An email belongs to at most one user (USR-7). In collation "C", lower() folds ASCII letters only.
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- One for each order of ListUsers (USR-13), so that a page costs what it shows.
CREATE INDEX users_by_created_at ON users (created_at, id);
CREATE INDEX users_by_updated_at ON users (updated_at, id);
CREATE INDEX users_by_email ON users (email, id);
CREATE INDEX users_by_name ON users (name, id);
