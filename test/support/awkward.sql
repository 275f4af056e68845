-- A database that a plain psql cannot load, although pg_dump dumps it, and one whose rows are others after a good restore.
create extension postgis;
create extension unaccent;
create extension postgres_fdw;
create extension timescaledb;

-- Names without a schema, in functions that are called while rows come in, indexes are built and views are filled.
create function slug(title text) returns text language plpgsql immutable as $$ begin return lower(replace(unaccent(title), ' ', '-')); end $$;
create table article (id int primary key, title text not null, slug text generated always as (slug(title)) stored);
-- From 17 on an index is built with an empty search path, whatever the session's is; on a table without rows that goes unnoticed.
create index on article (slug(title || '!'));
insert into article select n, 'Übung Nr. ' || n from generate_series(1, 50) n;
create function spot(lon float8, lat float8) returns geometry language sql immutable as $$ select st_setsrid(st_makepoint(lon, lat), 4326)::geometry(Point, 4326) $$;
create table place (id int primary key, lon float8, lat float8, spot geometry generated always as (spot(lon, lat)) stored);
insert into place (id, lon, lat) select n, n, n from generate_series(1, 20) n;
create schema "Other Schema";
create table "Other Schema".weight (kind text primary key, factor int);
insert into "Other Schema".weight values ('a', 2);
create function factor(text) returns int language sql stable set search_path = "Other Schema" as 'select factor from weight where kind = $1';

-- Checks that look at other tables, whose rows come later; inherited, of a domain, with a comment, NOT VALID.
create table a_member (id int primary key, club int);
create table z_club (id int primary key);
create function is_club(int) returns boolean language sql stable as 'select exists (select from z_club where id = $1)';
insert into z_club values (1), (2);
alter table a_member add constraint club_is_there check (is_club(club));
comment on constraint club_is_there on a_member is 'A "comment" of it''s own';
create table a_junior (age int, constraint club_is_there check (is_club(club))) inherits (a_member);
insert into a_member values (1, 1), (2, 2);
insert into a_junior values (3, 2, 12);
create domain club as int check (is_club(value));
create table a_visit (club club, at timestamptz);
insert into a_visit values (1, '2026-01-01Z');
create table a_parted (id int, club int constraint parted_club check (is_club(club))) partition by range (id);
create table a_parted_1 partition of a_parted for values from (0) to (100);
insert into a_parted values (1, 1);
alter table a_member add constraint never check (is_club(id + 100)) not valid;

-- A rule that the rows have outlived.
create function is_small(int) returns boolean language sql immutable as 'select $1 < 10';
create table a_grown (n int constraint small check (is_small(n)));
insert into a_grown values (5);
create or replace function is_small(int) returns boolean language sql immutable as 'select $1 < 3';

-- Views that are filled otherwise, and later.
create table event (id int, at timestamptz);
insert into event select n, now() from generate_series(1, 30) n;
create materialized view stale as select * from event;
create materialized view recent as select * from event where at > clock_timestamp() - interval '1 second';
insert into event values (31, now());
create materialized view never_filled as select * from event with no data;

-- Another server, which was there once.
create server elsewhere foreign data wrapper postgres_fdw options (host '127.0.0.1', port '5432', dbname 'timetiles');
create user mapping for public server elsewhere options (user 'timetiles', password 'bench-password');
create foreign table far (id int, at timestamptz) server elsewhere options (schema_name 'public', table_name 'event');
create materialized view from_afar as select * from far;
create index on from_afar (id);
alter server elsewhere options (set port '1');

-- Rows of extensions.
delete from spatial_ref_sys where srid > 4400;
create table reading (at timestamptz, value float8);
select create_hypertable('reading');

create tablespace elsewhere_on_disk location '/srv/tablespace';
create table on_other_disk (id int primary key) tablespace elsewhere_on_disk;
insert into on_other_disk values (1);
create index on on_other_disk (id) tablespace elsewhere_on_disk;
select lo_from_bytea(0, 'a large object');

-- Whoever sends rows to others, and takes some from them; nobody is there.
create publication out for table event;
select pg_create_logical_replication_slot('app_slot', 'pgoutput');
create subscription inwards connection 'host=127.0.0.1 port=1' publication far with (connect = false, slot_name = 'far_slot');
alter subscription inwards enable;
