import {describe, expect, it} from 'vitest';
import {readAlertRecords, writeAlertRecords} from '../../../src/alerts/memory.ts';
import {decide, isToBeSettled, type AlertRecord} from '../../../src/alerts/policy.ts';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {temporaryDirectory} from '../support.ts';

const begin = Date.parse('2026-11-20T02:00:13Z');
const night = (number: number, minutes = 0) => new Date(begin + number * 86_400_000 + minutes * 60_000);
const occurrence = {kind: 'dump', message: 'pg_dump failed', command: 'timetiles backup'};

/** Which nights send something, when each has such an occurrence; every sending succeeds. */
function sendings(kinds: readonly string[], minutes: readonly number[] = []): [number, string][] {
  const sent: [number, string][] = [];
  let known: AlertRecord | undefined;
  kinds.forEach((kind, number) => {
    const now = night(number, minutes[number]);
    const {record, send} = decide(known, {...occurrence, kind}, now);
    known = send === 'silent' ? record : {...record, lastSent: now.toISOString()};
    if (send !== 'silent') sent.push([number, send]);
  });
  return sent;
}

describe('the same failure every night', () => {
  it('is sent once, and then every three days', () => {
    expect(sendings(Array.from({length: 10}, () => 'dump'))).toEqual([[0, 'first'], [3, 'reminder'], [6, 'reminder'], [9, 'reminder']]);
  });

  it('also when nights begin at random times', () => {
    expect(sendings(Array.from({length: 7}, () => 'dump'), [110, 3, 50, 0, 100, 7, 0])).toEqual([[0, 'first'], [3, 'reminder'], [6, 'reminder']]);
  });

  it('of another kind is sent anew', () => {
    expect(sendings(['dump', 'dump', 'repository-full', 'repository-full', 'dump'])).toEqual([[0, 'first'], [2, 'first'], [4, 'first']]);
  });

  it('is counted since it began, with its newest message', () => {
    const first = decide(undefined, occurrence, night(0)).record;
    const second = decide({...first, lastSent: first.since}, {...occurrence, message: 'once more'}, night(1));
    expect(second).toEqual({record: {...first, lastSent: first.since, count: 2, message: 'once more'}, send: 'silent'});
  });

  it('is sent until some channel has taken it', () => {
    const {record} = decide(undefined, occurrence, night(0));
    expect(record.lastSent).toBeNull();
    expect(decide(record, occurrence, night(1))).toMatchObject({send: 'first', record: {count: 2, since: record.since}});
  });

  it('is not silent until a time that a wrong clock has noted', () => {
    const {record} = decide(undefined, occurrence, night(0));
    expect(decide({...record, lastSent: night(4000).toISOString()}, occurrence, night(1)).send).toBe('reminder');
    expect(decide({...record, lastSent: 'nonsense'}, occurrence, night(1)).send).toBe('reminder');
  });
});

describe('recovery', () => {
  it('is told of what was told, and of nothing else', () => {
    const {record} = decide(undefined, occurrence, night(0));
    expect([undefined, record, {...record, lastSent: record.since}].map((known) => isToBeSettled(known))).toEqual([false, false, true]);
  });
});

describe('the memory', () => {
  it('keeps what it is given', async () => {
    const directory = temporaryDirectory();
    expect(readAlertRecords(directory)).toEqual({});
    const records = {backup: decide(undefined, occurrence, night(0)).record};
    await writeAlertRecords(directory, records);
    expect(readAlertRecords(directory)).toEqual(records);
  });

  it.each(['', '{', '[]', '{"backup":{"kind":1}}'])('is empty when its file holds %j', (text) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'alerts.json'), text);
    expect(readAlertRecords(directory)).toEqual({});
  });
});
