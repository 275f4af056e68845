import {readFileSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {PassThrough} from 'node:stream';
import {describe, expect, it} from 'vitest';
import {createRunLog} from '../../../src/cli/run-log.ts';
import {temporaryDirectory} from '../support.ts';

const clock = {now: () => new Date('2026-11-21T02:00:00.000Z')};

function openLog(options: {format?: 'text' | 'json'; quiet?: boolean; directory?: string} = {}) {
  const stream = new PassThrough();
  const directory = options.directory ?? join(temporaryDirectory(), 'log');
  const log = createRunLog({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only what the log uses of a stream
    stream: stream as unknown as NodeJS.WriteStream,
    directory,
    format: options.format ?? 'text',
    quiet: options.quiet ?? false,
    debug: false,
    redact: (text) => text.replaceAll('s3cret', '***'),
    clock,
    title: 'timetiles backup',
  });
  const path = join(directory, 'timetiles.log');
  const lines = () => readFileSync(path, 'utf8').trimEnd().split('\n');
  return {log, path, lines, printed: () => String(stream.read() ?? '')};
}

describe('the log of a run', () => {
  it('has one line for each event with time, level and run, and no secret', () => {
    const {log, lines} = openLog();
    log.info('backing up db: s3cret');
    log.warn('two\nlines');
    log.error('it failed\nDo this.', {inDocument: false});
    log.ended(1);
    const [first = '', ...others] = lines();
    expect(first).toMatch(/^2026-11-21T02:00:00.000Z info \[[0-9a-f]{8}\] started: timetiles backup, process \d+$/);
    const run = /\[(\w+)\]/.exec(first)?.[1];
    expect(others).toEqual([
      `2026-11-21T02:00:00.000Z info [${run}] backing up db: ***`,
      `2026-11-21T02:00:00.000Z warning [${run}] two | lines`,
      `2026-11-21T02:00:00.000Z error [${run}] it failed | Do this.`,
      `2026-11-21T02:00:00.000Z info [${run}] ended: exit code 1 after 0 s`,
    ]);
  });

  it('as JSON: the file and what is printed are objects, a line each', () => {
    const {log, lines, printed} = openLog({format: 'json'});
    log.info('s3cret');
    log.error('it failed\nDo this.', {inDocument: true});
    const events = lines().map((line) => JSON.parse(line));
    expect(events.map(({level, message}) => [level, message])).toEqual([['info', expect.stringContaining('started')], ['info', '***'], ['error', 'it failed\nDo this.']]);
    expect(new Set(events.map(({run}) => run)).size).toBe(1);
    expect(printed().trimEnd().split('\n').map((line) => JSON.parse(line))).toEqual(events.slice(1));
  });

  it('begins with the first event: a command that only looks leaves nothing', () => {
    const {log, lines} = openLog();
    log.debug('nothing');
    log.ended(0);
    expect(lines).toThrow('ENOENT');
  });

  it('keeps in the file what --quiet hides', () => {
    const {log, lines, printed} = openLog({quiet: true});
    log.info('a step');
    expect(lines().at(-1)).toContain('a step');
    expect(printed()).toBe('');
  });

  it('goes on in a new file when the old one was moved away', () => {
    const {log, path, lines} = openLog();
    log.info('before');
    renameSync(path, `${path}.1`);
    log.info('after');
    expect(lines()).toEqual([expect.stringContaining('after')]);
  });

  it('that cannot be written is told once, and fails nothing', () => {
    const blocked = join(temporaryDirectory(), 'file');
    writeFileSync(blocked, '');
    const {log, printed} = openLog({directory: join(blocked, 'log')});
    log.info('one');
    log.info('two');
    const text = printed();
    expect(text.match(/cannot be written/g)).toHaveLength(1);
    expect(text).toContain('LOG_DIR');
    expect(text).toContain('two');
  });
});
