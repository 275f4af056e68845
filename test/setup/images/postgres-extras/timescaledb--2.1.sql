-- What TimescaleDB demands of whoever loads a dump, and no more: the extension first, in the version that was dumped,
-- then timescaledb_pre_restore(), the data, and timescaledb_post_restore().
CREATE SCHEMA _timescaledb_catalog;
CREATE TABLE _timescaledb_catalog.hypertable (id integer PRIMARY KEY, table_name name NOT NULL);
SELECT pg_catalog.pg_extension_config_dump('_timescaledb_catalog.hypertable', '');

CREATE FUNCTION _timescaledb_catalog.require_restoring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('timescaledb.restoring', true), 'off') <> 'on' THEN
    RAISE EXCEPTION 'the catalogue is changed by its own functions alone' USING ERRCODE = '42501';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER require_restoring BEFORE INSERT ON _timescaledb_catalog.hypertable
  FOR EACH ROW EXECUTE FUNCTION _timescaledb_catalog.require_restoring();

CREATE FUNCTION create_hypertable(name name) RETURNS void LANGUAGE plpgsql SET timescaledb.restoring = 'on' AS $$
BEGIN
  INSERT INTO _timescaledb_catalog.hypertable SELECT 1 + count(*), name FROM _timescaledb_catalog.hypertable;
END $$;

CREATE FUNCTION timescaledb_pre_restore() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER DATABASE %I SET timescaledb.restoring = ''on''', current_database());
  RETURN true;
END $$;
CREATE FUNCTION timescaledb_post_restore() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER DATABASE %I RESET timescaledb.restoring', current_database());
  RETURN true;
END $$;
