import {describe, expect, it} from 'vitest';
import {isLockDead} from '../../../src/restic/locks.ts';
import {parseLock, parseResticMessage, parseSnapshots} from '../../../src/restic/messages.ts';

describe('parseResticMessage', () => {
  it.each([
    ['status', '{"message_type":"status","percent_done":0.5,"total_files":2,"files_done":1,"total_bytes":10,"bytes_done":5}', {total_files: 2, files_done: 1, total_bytes: 10, bytes_done: 5}],
    ['summary', '{"message_type":"summary","data_added":353,"total_files_processed":1,"total_bytes_processed":3,"snapshot_id":"fe091429"}', {snapshot_id: 'fe091429', data_added: 353}],
    ['error', '{"message_type":"error","error":{"Op":"open","Path":"a","Err":13},"during":"archival","item":"/src/a"}', {item: '/src/a'}],
    ['error', '{"message_type":"error","error":{"message":"open no: permission denied"},"item":"/src/no"}', {item: '/src/no'}],
  ])('reads a %s', (type, line, expected) => {
    expect(parseResticMessage(line)).toMatchObject({message_type: type, ...expected});
  });

  it.each(['', 'open repository', '{"message_type":"verbose_status","action":"new"}', '{"message_type":"status"', '{"message_type":"summary","data_added":"many"}', '[]', 'null'])(
    'ignores %j',
    (line) => {
      expect(parseResticMessage(line)).toBeUndefined();
    },
  );
});

describe('parseSnapshots', () => {
  it('reads those of every version', () => {
    const old = {time: '2026-11-21T03:40:08Z', tree: 'x', paths: ['/database.sql'], hostname: 'h', id: 'a'.repeat(64), short_id: 'aaaaaaaa'};
    const recent = {...old, tags: ['timetiles'], summary: {data_added_packed: 3, total_bytes_processed: 9}};
    expect(parseSnapshots(JSON.stringify([old, recent, {...old, tags: null}])).map(({tags, summary}) => ({tags, summary}))).toEqual([
      {tags: [], summary: undefined},
      {tags: ['timetiles'], summary: {data_added_packed: 3, total_bytes_processed: 9}},
      {tags: [], summary: undefined},
    ]);
  });

  it('reads an empty repository, in either form', () => {
    expect(parseSnapshots('[]')).toEqual([]);
    expect(parseSnapshots('null')).toEqual([]);
  });
});

describe('isLockDead', () => {
  const lock = parseLock('{"time":"2026-11-21T03:00:00Z","exclusive":true,"hostname":"here","username":"root","pid":77}');
  const startedAt = (time: string) => () => new Date(time);

  it.each([
    ['its process is gone', 'here', () => undefined, true],
    ['its process runs', 'here', startedAt('2026-11-21T02:59:00Z'), false],
    ['its process began in the same second', 'here', startedAt('2026-11-21T03:00:01Z'), false],
    ['a later process has its number', 'here', startedAt('2026-11-21T03:10:00Z'), true],
    ['it is of another host', 'there', () => undefined, false],
  ])('when %s', (_, host, startOf, dead) => {
    expect(isLockDead(lock, host, startOf)).toBe(dead);
  });
});
