-- The second half of `database.sql`: what hangs on its tables.

set client_min_messages = warning;

-- Large objects with owners and privileges, one of several pages.
select lo_from_bytea(100001, '\x00ff0a5c27'), lo_from_bytea(100002, ''), lo_from_bytea(4000000000, decode(repeat('00ff5c0a', 5000), 'hex'));
alter large object 100001 owner to :"second";
grant select on large object 100002 to :"second";
grant update on large object 100002 to public;
comment on large object 100001 is 'A large object''s comment';
create table app.pictures (id integer primary key, picture oid);
insert into app.pictures values (1, 100001), (2, 4000000000);

-- Views, materialised views, one of them never filled.
create view app.place_names with (security_barrier, security_invoker) as select id, name from app.places where name like 'P%' with local check option;
create recursive view public.countdown (n) as values (5) union all select n - 1 from countdown where n > 0;
create materialized view app.kinds as select kind, count(*) as number, avg(value) as mean from app.measurements group by kind;
create unique index kinds_kind on app.kinds (kind);
create materialized view app.kinds_of_kinds as select sum(number) as total from app.kinds;
create materialized view app.unfilled as select 1 / (id - 1) as never from app.pictures with no data;
create rule keep as on delete to app.place_names do instead nothing;
create rule log_insert as on insert to app.empty_table where new.id < 0 do also insert into app.no_columns default values;

-- Row security.
create table app.secrets (id integer primary key, owner_name text default current_user, body text);
insert into app.secrets values (1, 'somebody', 'one'), (2, :'second', 'two');
alter table app.secrets enable row level security;
alter table app.secrets force row level security;
create policy "see ""own""" on app.secrets as permissive for select to :"second" using (owner_name = current_user);
create policy change on app.secrets as restrictive for update using (true) with check (body <> 'it''s');

-- Triggers of every kind and state.
create function app.nothing() returns trigger language plpgsql as 'begin return null; end';
create trigger touch before insert or update of note on app.parent for each row when (new.id > 100) execute function app.touch('a', 'it''s');
create trigger "Disabled one" after delete on app.parent for each statement execute function app.nothing();
alter table app.parent disable trigger "Disabled one";
create trigger always after insert on app.measurements for each row execute function app.nothing();
alter table app.measurements enable always trigger always;
create trigger changes after update on app.bookings referencing old table as before new table as after for each statement execute function app.nothing();
create constraint trigger later after insert on app.bookings from app.parent deferrable initially deferred for each row execute function app.nothing();
create trigger instead instead of insert on app.place_names for each row execute function app.nothing();
create function app.watch() returns event_trigger language plpgsql as 'begin perform 1; end';
create event trigger watch_commands on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function app.watch();
create event trigger watch_drops on sql_drop execute function app.watch();
alter event trigger watch_drops disable;
comment on event trigger watch_commands is 'Watches';

-- Text search, operators, collations, access methods, other servers.
create text search dictionary app.german_words (template = snowball, language = german, stopwords = german);
create text search configuration app.german (copy = simple);
alter text search configuration app.german alter mapping for asciiword, word with app.german_words, simple;
create index values_words on app.values using gin (to_tsvector('app.german', coalesce(ch, '')));
create operator class app.backwards for type integer using btree as
  operator 1 >, operator 2 >=, operator 3 =, operator 4 <=, operator 5 <, function 1 app.compare_backwards(integer, integer);
create index parent_backwards on app.parent (id app.backwards desc nulls last);
create access method second_heap type table handler heap_tableam_handler;
create table app.elsewhere (id integer) using second_heap;
create conversion app.to_latin for 'UTF8' to 'LATIN1' from utf8_to_iso8859_1;
create extension postgres_fdw;
create server "far away" version '17' foreign data wrapper postgres_fdw options (host '/nowhere', dbname 'it''s');
create user mapping for :"second" server "far away" options (user 'far', password 'p''w');
-- Nobody answers there: whoever counts rows must not look.
create foreign table app.far (id integer options (column_name 'far id'), note text) server "far away" options (table_name 'far');

-- What replication needs.
create publication events for table app.places (id, name), app.values where (id > 0) with (publish = 'insert, update');
create publication everything for tables in schema app, table public.web_heartbeat;
comment on publication events is 'Published';

-- Privileges for the second role.
alter table app."MixedCase" owner to :"second";
grant select, insert on app.places to :"second" with grant option;
grant select (id), update (note), references (id) on app.parent to :"second";
grant select on app.place_names to public;
grant usage on sequence app.lonely to :"second";
grant execute on function app.add(integer, integer) to :"second";
revoke execute on function app.add(integer, integer) from public;
grant execute on procedure app.proceed(integer, text[]) to :"second" with grant option;
grant usage on type app.mood to :"second";
revoke usage on type app.email from public;
grant usage on foreign server "far away" to :"second";
grant create on schema app to public;
revoke create on schema public from public;
grant all on "Odd ""Schema"""."Table with 'quotes', a
newline and ünïcode" to :"second";
revoke delete on app.parent from current_user;
set role :"second";
grant select on app.places to public;
create table app.of_second (id integer generated always as identity, note text);
insert into app.of_second (note) values ('mine');
reset role;

-- Comments on every kind of thing.
comment on schema public is 'Public, commented';
comment on table app.places is E'Table ''comment''\nsecond line \\ ünï';
comment on index app.places_spot is 'Index';
comment on constraint no_overlap on app.bookings is 'Constraint';
comment on constraint above_zero on domain app.positive is 'Domain constraint';
comment on trigger touch on app.parent is 'Trigger';
comment on policy change on app.secrets is 'Policy';
comment on rule keep on app.place_names is 'Rule';
comment on function app.add(integer, integer) is 'Function';
comment on aggregate app.product(double precision) is 'Aggregate';
comment on operator app.+@ (integer, integer) is 'Operator';
comment on sequence app.lonely is 'Sequence';
comment on view app.place_names is 'View';
comment on materialized view app.kinds is 'Materialised view';
comment on statistics app.bookings_statistics is 'Statistics';
comment on collation app.german is 'Collation';
comment on text search configuration app.german is 'Configuration';
comment on server "far away" is 'Server';
comment on type app.address is 'Composite';
comment on column app.address.street is 'Column of a composite';
comment on extension hstore is 'An extension''s comment of one''s own';

-- The owner is not who restores.
select format('alter database %I owner to %I', current_database(), :'second') \gexec
analyze;
