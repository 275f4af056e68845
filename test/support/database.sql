-- Everything in a PostgreSQL database that a backup has ever lost. For a fresh database with PostGIS at hand, run as a
-- superuser through psql, with the name of the second role as the variable `second`.

\set ON_ERROR_STOP on
set client_min_messages = warning;

create extension postgis;
create extension pg_trgm;
create extension btree_gist;
create extension hstore schema public;

select format('create role %I login password ''second''', :'second')
where not exists (select from pg_roles where rolname = :'second') \gexec

-- Settings of the database, and of a role in it.
select format('alter database %I set search_path = public, "Odd ""Schema""", extensions', current_database()) \gexec
select format('alter database %I set timezone = %L', current_database(), 'Asia/Kathmandu') \gexec
select format('alter database %I set "timetiles.motto" = %L', current_database(), E'it''s "quoted", $HOME \\ ü') \gexec
select format('alter database %I set statement_timeout = %L', current_database(), '10min') \gexec
select format('alter database %I set DateStyle = %L', current_database(), 'SQL, DMY') \gexec
select format('alter role %I in database %I set work_mem = %L', :'second', current_database(), '7MB') \gexec
select format('comment on database %I is %L', current_database(), E'Comment with ''quotes'' and a\nnewline') \gexec
select format('grant connect, temporary on database %I to %I', current_database(), :'second') \gexec
select format('revoke temporary on database %I from public', current_database()) \gexec
select format('alter database %I connection limit 55', current_database()) \gexec

create schema "Odd ""Schema""";
create schema app authorization :"second";
create schema extensions;
comment on schema app is 'The application''s own';
grant usage on schema "Odd ""Schema""" to :"second";
alter default privileges in schema app grant select on tables to :"second";
alter default privileges for role :"second" in schema app grant usage on sequences to public;
alter default privileges for role :"second" revoke execute on functions from public;

-- The web container makes this table when it finds none.
create table if not exists public.web_heartbeat (at timestamptz not null);

-- Types.
create type app.mood as enum ('sad', 'it''s ok', 'happy');
alter type app.mood add value 'new' before 'happy';
create domain app.email as text collate "C" check (value ~ '^[^@]+@[^@]+$');
create domain app.positive as integer not null default 1 constraint above_zero check (value > 0);
create type app.address as (street text, number integer, place geometry(Point, 4326));
create type app.float_range as range (subtype = float8, subtype_diff = float8mi, multirange_type_name = app.float_ranges);
comment on type app.mood is 'How an event feels';
create collation app.german (provider = icu, locale = 'de-u-co-phonebk', deterministic = true);
create collation app.case_insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- PostGIS.
create table app.places (
  id bigint generated always as identity (start with 1000 increment by 7) primary key,
  name text not null collate app.german,
  spot geometry(Point, 4326),
  area geometry(MultiPolygon, 3857),
  way geography(LineString, 4326),
  height geometry(PointZM),
  anything geometry
);
create index places_spot on app.places using gist (spot);
create index places_way on app.places using gist (way);
create index places_name_trigram on app.places using gin (name gin_trgm_ops);
create index places_expression on app.places (lower(name), (st_x(spot))) include (id) where spot is not null;
insert into app.places (name, spot, area, way, height, anything)
select 'Place ' || n, st_setsrid(st_makepoint(n % 180, n % 90), 4326),
  st_transform(st_multi(st_buffer(st_setsrid(st_makepoint(n % 90, n % 60), 4326), 0.1)), 3857),
  st_makeline(st_setsrid(st_makepoint(n % 180, 0), 4326), st_setsrid(st_makepoint(0, n % 90), 4326))::geography,
  st_makepoint(n, -n, n / 3.0, 1e-300),
  case when n % 2 = 0 then st_geomfromtext('GEOMETRYCOLLECTION EMPTY') else st_geomfromtext('CIRCULARSTRING(0 0, 1 1, 2 0)') end
from generate_series(1, 200) n;
insert into app.places (name) values ('without geometry');
-- A system of one's own: a row in an extension's table that the extension marks as data to dump.
insert into spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
values (990001, 'bench', 990001, 'LOCAL_CS["bench"]', '+proj=longlat +datum=WGS84 +no_defs');

-- Partitions, two levels deep, with a default and one that is detached; sub-objects of their own.
create table app.measurements (
  at timestamptz not null,
  kind text not null,
  value double precision,
  doubled double precision generated always as (value * 2) stored,
  primary key (at, kind)
) partition by range (at);
create table app.measurements_2024 partition of app.measurements
  for values from ('2024-01-01 00:00+00') to ('2025-01-01 00:00+00') partition by list (kind);
create table app.measurements_2024_heat partition of app.measurements_2024 for values in ('heat', 'it''s hot');
create table app.measurements_2024_rest partition of app.measurements_2024 default;
create table app.measurements_later partition of app.measurements for values from ('2025-01-01 00:00+00') to (maxvalue);
create table app.measurements_default partition of app.measurements default;
create table app.measurements_hash (id integer, note text) partition by hash (id);
create table app.measurements_hash_0 partition of app.measurements_hash for values with (modulus 2, remainder 0);
create table app.measurements_hash_1 partition of app.measurements_hash for values with (modulus 2, remainder 1);
create index measurements_value on app.measurements (value);
insert into app.measurements (at, kind, value)
select timestamptz '2023-12-01 00:00+00' + n * interval '1 day', (array['heat', 'it''s hot', 'rain'])[1 + n % 3], n / 7.0
from generate_series(0, 500) n;
insert into app.measurements_hash select n, 'note ' || n from generate_series(1, 50) n;

-- Values.
create table app.values (
  id serial primary key,
  texts text[], matrix integer[][], shifted integer[],
  r int4range, rs int4multirange, t tstzrange, f app.float_range, fs app.float_ranges,
  mood app.mood, moods app.mood[], mail app.email, several app.positive, addr app.address, addrs app.address[],
  j jsonb, js json, b bytea, d double precision, s real, n numeric, x xml, u uuid, bits bit varying(12), i interval,
  ts timestamp, dt date, net inet, mac macaddr, m money, h hstore, v tsvector, q tsquery, ch char(5), p point, lsn pg_lsn
);
insert into app.values values
  (1, array['a', null, 'null', '', 'it''s "q" \ ü', E'new\nline'], '{{1,2},{3,4}}', '[5:6]={7,8}',
   '[1,5)', '{[1,3),[7,9)}', '[2024-01-01 00:00+00,infinity)', '[0.5,1.5)', '{[0.5,1.5)}',
   'it''s ok', array['sad', 'new']::app.mood[], 'a@b', 7, row('Main "St"', 5, st_setsrid(st_makepoint(1, 2), 4326)),
   array[row('x', null, null)::app.address, null],
   '{"a": [1, null, "ü\u0041"], "b": {"c": 1.50}}', '{ "kept":   "as written", "kept": 2 }', '\x00ff0a5c27', 'NaN', '-Infinity',
   'NaN', '<a b="c">d</a>', '00000000-0000-0000-0000-000000000000', '101', '1 year -2 days 03:04:05.678', 'infinity',
   '4713-01-01 BC', '192.168.0.1/24', '08:00:2b:01:02:03', '12.34', 'a=>"b c", d=>NULL', 'fat:2A cat:3', 'fat & !rat', 'ab',
   '(1.5,-0)', '16/B374D848'),
  (2, '{}', '{}', null, 'empty', '{}', '(,)', '(,)', '{}', null, '{}', null, 1, null, null,
   'null', 'null', '', '-0', 'Infinity', 'Infinity', null, null, '', '0', '-infinity', 'infinity', '::1', null, null, '', '', '',
   '', null, null);
insert into app.values (id, d, s, n) values
  (3, 5e-324, 1e-45, '1e-1000'), (4, 1.7976931348623157e308, 3.4028235e38, '12345678901234567890.12345678901234567890'),
  (5, 'Infinity', 'NaN', '-Infinity'), (6, 0.1, 0.1, '1.000');
comment on column app.values.d is 'Comment on a column';

-- Generated and identity columns, sequences out of step with their tables.
create table app.identities (
  by_default integer generated by default as identity,
  always bigint generated always as identity (minvalue -100 start with -100 cycle),
  upper_name text generated always as (upper(name)) stored,
  name text
);
insert into app.identities (name) select 'name ' || n from generate_series(1, 10) n;
select setval('app.values_id_seq', 4711, false);
select setval(pg_get_serial_sequence('app.identities', 'by_default'), 3, true);
create sequence app.lonely as smallint increment by -3 minvalue -900 maxvalue 900 start 0 cache 5 cycle;
select nextval('app.lonely'), nextval('app.lonely');
create sequence app.never_used;
alter sequence app.never_used owned by app.identities.name;

-- Names.
create table "Odd ""Schema"""."Table with 'quotes', a
newline and ünïcode" (
  "Column ""one""" integer primary key, "select" text, "UPPER" text, "with space " text, "back\slash" text, "%s $1" text, "-- no comment" text
);
insert into "Odd ""Schema"""."Table with 'quotes', a
newline and ünïcode" values (1, E'\\.', E'\t', E'\\N', 'x', 'y', null), (2, E'a\\.\n\\.\nb', E'\x01', '', E'\r\n', E'\\', E'\u00a0');
create table app."MixedCase" (id integer primary key, "Id" integer unique);
insert into app."MixedCase" values (1, 2);
create table app.empty_table (id integer primary key, note text default 'none');
create table app.no_columns ();
insert into app.no_columns default values;
insert into app.no_columns default values;
create unlogged table app.unlogged_table (id integer);
insert into app.unlogged_table values (1), (2);

-- Inheritance, dropped columns, storage, constraints.
create table app.parent (id integer primary key, gone text, note text not null default 'parent', constraint short check (length(note) < 100) no inherit);
alter table app.parent drop column gone;
create table app.child (extra text) inherits (app.parent);
insert into app.parent (id) values (1);
insert into app.child (id, note, extra) values (2, 'child', repeat('long ', 5000));
alter table app.child alter column extra set storage external, alter column extra set compression pglz;
alter table app.child set (fillfactor = 70, autovacuum_enabled = false);
alter table app.parent alter column note set statistics 500;
alter table app.parent replica identity full;

create table app.bookings (
  id integer primary key,
  place bigint references app.places (id) on delete set null (place) deferrable initially deferred,
  parent integer constraint has_parent references app.parent (id) on update cascade,
  during tstzrange not null,
  room text collate app.case_insensitive,
  unique nulls not distinct (place, room),
  constraint no_overlap exclude using gist (place with =, during with &&) where (place is not null)
);
insert into app.bookings values (1, 1000, 1, '[2024-01-01 00:00+00,2024-01-02 00:00+00)', 'A'), (2, 1000, 1, '[2024-01-02 00:00+00,2024-01-03 00:00+00)', 'b');
create table app.chicken (id integer primary key, egg integer);
create table app.egg (id integer primary key, chicken integer references app.chicken deferrable);
insert into app.chicken values (1, 1);
insert into app.egg values (1, 1);
alter table app.chicken add constraint laid foreign key (egg) references app.egg deferrable initially deferred;
alter table app.bookings add constraint unchecked check (id > 1) not valid;
cluster app.places using places_pkey;
create statistics app.bookings_statistics (dependencies, ndistinct, mcv) on place, room from app.bookings;
alter statistics app.bookings_statistics set statistics 77;

-- Code.
create function app.touch() returns trigger language plpgsql as $body$
begin
  new.note := coalesce(new.note, '') || $q$ it's $q$ || 'touched \ $1';
  return new;
end $body$;
create function app.add(integer, integer default 5) returns integer language sql immutable strict parallel safe cost 7
  begin atomic select $1 + $2; end;
create function app.rows(out id integer, out name text) returns setof record language sql rows 3 set search_path = app, pg_temp
  security definer as 'select 1, ''one''::text';
create procedure app.proceed(inout counter integer, variadic rest text[]) language plpgsql as 'begin counter := counter + 1; end';
create aggregate app.product(double precision) (sfunc = float8mul, stype = double precision, initcond = '1');
create function app.compare_backwards(integer, integer) returns integer language sql immutable as 'select btint4cmp($2, $1)';
create operator app.+@ (leftarg = integer, rightarg = integer, function = app.add, commutator = operator(app.+@));
