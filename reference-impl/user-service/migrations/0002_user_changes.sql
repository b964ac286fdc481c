-- What StreamUsers sends: each user's new state, written by the statement that changed the user.
CREATE TABLE user_changes (
    -- Taken while the user's row is locked, so that the numbers of one user are in commit order (STR-3).
    number      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Tells a reader, by the snapshot of its last read, which changes it has not seen yet.
    transaction xid8        NOT NULL DEFAULT pg_current_xact_id(),
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    id          uuid        NOT NULL,
    email       text        COLLATE "C" NOT NULL,
    name        text        COLLATE "C" NOT NULL,
    status      text        NOT NULL,
    metadata    jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE INDEX user_changes_by_transaction ON user_changes (transaction);
