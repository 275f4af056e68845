import {createHash, createCipheriv} from 'node:crypto';
import {chownSync, mkdirSync, utimesSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {Stack} from './stack.ts';

/** How much of a believable installation to make. */
interface DatasetOptions {
  /** 5,000 unless told. */
  events?: number;
  /** Files that rows name: 300 unless told. */
  uploads?: number;
}

/** Fills the stack like an installation that has been in use: users, places, events, and uploads that rows name. */
export async function loadDataset(stack: Stack, options: DatasetOptions = {}): Promise<void> {
  const {events = 5000, uploads = 300} = options;
  await stack.psql(schema);
  await stack.psql(rows, {variables: {events: String(events)}});
  const media = writeUploads(stack.uploadsPath, uploads);
  // On standard input, since the list may be longer than an argument can be.
  const list = JSON.stringify(media).replaceAll("'", "''");
  await stack.psql(
    `insert into media (filename, bytes, sha256, event_id)
     select filename, bytes, sha256, 1 + (row_number() over () * 13) % :events
     from json_to_recordset('${list}') as m (filename text, bytes integer, sha256 text);`,
    {variables: {events: String(events)}},
  );
}

/** Adds a table whose dump is about so many megabytes of text that hardly compresses. */
export async function growDatabase(stack: Stack, megabytes: number, table = 'archive'): Promise<void> {
  // A row is 31 hashes of 32 digits and some numbers: close to 1,000 bytes of dump.
  const hashes = Array.from({length: 31}, (_, part) => `md5(n::text || '/${part}')`).join(' || ');
  await stack.psql(
    `create table if not exists :"table" (id bigint primary key, body text);
     alter table :"table" alter column body set storage external;
     insert into :"table" select n, ${hashes}
     from (select coalesce(max(id), 0) as start from :"table") as last,
       generate_series(last.start + 1, last.start + :rows) as n;
     analyze :"table";`,
    {variables: {table, rows: String(megabytes * 1000)}},
  );
}

const schema = `
create extension if not exists postgis;
create table users (
  id integer generated always as identity primary key,
  email text not null unique,
  name text not null,
  created_at timestamptz not null
);
create table places (
  id integer generated always as identity primary key,
  name text not null,
  country text not null,
  spot geography(Point, 4326) not null
);
create index places_spot on places using gist (spot);
create table events (
  id integer generated always as identity primary key,
  title text not null,
  description text not null,
  place_id integer not null references places (id),
  created_by integer not null references users (id),
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at >= starts_at),
  data jsonb not null default '{}'
);
create index events_starts_at on events (starts_at);
create index events_place on events (place_id);
create table media (
  id integer generated always as identity primary key,
  filename text not null unique,
  bytes integer not null,
  sha256 text not null,
  event_id integer references events (id)
);`;

const rows = `
insert into users (email, name, created_at)
select lower(first || '.' || last || '@example.org'), first || ' ' || last, timestamptz '2023-01-01 10:00+00' + n * interval '1 hour'
from (select row_number() over () as n, first, last
  from unnest(array['Ada', 'Björn', 'Chioma', 'Dora', 'Emre', 'Fatou', 'Grace', 'Hana', 'Igor', 'José']) as first,
    unnest(array['Abel', 'Bauer', 'Castillo', 'Dąbrowski', 'Eze', 'Fischer', 'García', 'Haddad']) as last) as people;

insert into places (name, country, spot)
select name, country, st_setsrid(st_makepoint(longitude, latitude), 4326)
from (values ('Brandenburger Tor', 'DE', 13.3777, 52.5163), ('Alte Oper', 'DE', 8.6722, 50.1160), ('Plaza Mayor', 'ES', -3.7074, 40.4155),
  ('Galata Kulesi', 'TR', 28.9741, 41.0256), ('Rynek Główny', 'PL', 19.9373, 50.0617), ('Praça do Comércio', 'PT', -9.1364, 38.7075),
  ('Mall of Lagos', 'NG', 3.4240, 6.4281), ('Shibuya', 'JP', 139.7005, 35.6595), ('Union Square', 'US', -73.9904, 40.7359),
  ('Parque México', 'MX', -99.1692, 19.4120)) as known (name, country, longitude, latitude);

insert into events (title, description, place_id, created_by, starts_at, ends_at, data)
select (array['Concert', 'Reading', 'Market', 'Workshop', 'Exhibition', 'Demonstration', 'Walk'])[1 + n % 7] || ' no. ' || n,
  'An evening of ' || md5(n::text) || ' and ' || md5('b' || n), 1 + n % 10, 1 + (n * 31) % 80,
  timestamptz '2024-01-01 18:00+00' + (n % 900) * interval '1 day', timestamptz '2024-01-01 20:00+00' + (n % 900) * interval '1 day',
  jsonb_build_object('price', (n % 40) * 0.5, 'tags', jsonb_build_array('imported', 'batch-' || n % 12), 'capacity', 20 + n % 300)
from generate_series(1, :events) as n;`;

interface Medium {
  filename: string;
  bytes: number;
  sha256: string;
}

/** Photographs, as far as their size and their bytes go, in a folder for each month. */
function writeUploads(root: string, count: number): Medium[] {
  const noise = createCipheriv('aes-128-ctr', 'uploads of bench', Buffer.alloc(16));
  return Array.from({length: count}, (_, index) => {
    const month = String(1 + (index % 12)).padStart(2, '0');
    const filename = `2024/${month}/photo ${index}.jpg`;
    const content = noise.update(Buffer.alloc(2000 + ((index * 7919) % 40_000)));
    const path = join(root, filename);
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, content);
    chownSync(path, 1001, 1001);
    utimesSync(path, 1_704_067_200 + index * 3600, 1_704_067_200 + index * 3600);
    return {filename, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex')};
  });
}
