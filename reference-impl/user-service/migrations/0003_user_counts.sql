-- How many users there are of each status, so that a list need not count them (USR-12). It is
-- the sum of a few rows, each changed by one writer at a time: a writer takes one that nobody
-- holds, or adds one, and so waits for nobody, however long another transaction stays open.
CREATE TABLE user_counts (
    slot   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status text   NOT NULL,
    -- May be below zero: a user can leave by another row than it came by.
    users  bigint NOT NULL
);

CREATE FUNCTION count_users(counted_status text, change bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE user_counts SET users = users + change WHERE slot = (
        SELECT slot FROM user_counts WHERE status = counted_status
        LIMIT 1 FOR UPDATE SKIP LOCKED);
    IF NOT FOUND THEN
        INSERT INTO user_counts (status, users) VALUES (counted_status, change);
    END IF;
END $$;

CREATE FUNCTION count_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM count_users(OLD.status, -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM count_users(NEW.status, 1);
    END IF;
    RETURN NULL;
END $$;

-- Nobody writes between the first count and the triggers.
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO user_counts (status, users) SELECT status, count(*) FROM users GROUP BY status;

CREATE TRIGGER users_come_and_go AFTER INSERT OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION count_user();
CREATE TRIGGER users_change_status AFTER UPDATE OF status ON users
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION count_user();
