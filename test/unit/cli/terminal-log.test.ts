import {PassThrough} from 'node:stream';
import {stripVTControlCharacters} from 'node:util';
import {describe, expect, it} from 'vitest';
import {createMeter, createTerminalLog} from '../../../src/cli/terminal-log.ts';

const mebibyte = 1024 * 1024;

describe('createMeter', () => {
  it.each([
    ['nothing known', {label: 'x'}, 3, 'x: 3s'],
    ['bytes', {label: 'x', bytes: 10 * mebibyte}, 2, 'x: 10.0 MiB, 5.00 MiB/s, 2s'],
    ['bytes of a total', {label: 'x', bytes: 10 * mebibyte, totalBytes: 40 * mebibyte}, 2, 'x: 10.0 MiB of 40.0 MiB, 5.00 MiB/s, 6s left, 2s'],
    ['files of a total', {label: 'x', files: 3, totalFiles: 9}, 2, 'x: 3 of 9 files, 2s'],
    ['too early for a rate', {label: 'x', bytes: 5}, 0.5, 'x: 5 B, 1s'],
    ['done', {label: 'x', bytes: 5, totalBytes: 5}, 2, 'x: 5 B of 5 B, 3 B/s, 2s'],
    ['no bytes yet', {label: 'x', bytes: 0, totalBytes: 5}, 2, 'x: 0 B of 5 B, 0 B/s, 2s'],
  ])('%s', (_, update, seconds, text) => {
    const meter = createMeter();
    meter({label: 'x'}, 1000);
    expect(meter(update, 1000 + seconds * 1000)).toBe(text);
  });

  it('begins anew with every label', () => {
    const meter = createMeter();
    meter({label: 'db', bytes: 100}, 0);
    expect(meter({label: 'uploads', bytes: 100}, 60_000)).toBe('uploads: 100 B, 0s');
  });
});

describe('createTerminalLog', () => {
  function logTo(options: {quiet?: boolean; debug?: boolean; terminal?: boolean}) {
    const stream = new PassThrough();
    // Only what the log uses of a terminal: it is no fake of what is tested.
    Object.assign(stream, {isTTY: options.terminal ?? false, columns: 40});
    const log = createTerminalLog({
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
      stream: stream as unknown as NodeJS.WriteStream,
      quiet: options.quiet ?? false,
      debug: options.debug ?? false,
      redact: (text) => text.replaceAll('s3cret', '***'),
    });
    return {log, written: () => String(stream.read() ?? '')};
  }

  it('prints plain lines and no progress where there is no terminal', () => {
    const {log, written} = logTo({});
    log.progress({label: 'db', bytes: 1});
    log.info('begun with s3cret');
    log.warn('careful');
    log.debug('detail');
    log.close();
    expect(written()).toBe('begun with ***\nwarning: careful\n');
  });

  it('prints warnings alone when quiet, and details when asked', () => {
    const quiet = logTo({quiet: true, terminal: true});
    quiet.log.progress({label: 'db', bytes: 1});
    quiet.log.info('begun');
    quiet.log.warn('careful');
    expect(stripVTControlCharacters(quiet.written())).toBe('warning: careful\n');
    const debug = logTo({debug: true});
    debug.log.debug('detail s3cret');
    expect(debug.written()).toBe('detail ***\n');
  });

  it('draws progress over itself on a terminal, within its width, and wipes it away', () => {
    const {log, written} = logTo({terminal: true});
    log.progress({label: `s3cret ${'x'.repeat(100)}`, bytes: 1});
    log.info('done');
    const [drawn = '', rest = ''] = written().split('\r\u001B[K').slice(1);
    expect(drawn).toMatch(/^\*\*\* x+$/);
    expect(drawn).toHaveLength(39);
    expect(rest).toBe('done\n');
  });
});
