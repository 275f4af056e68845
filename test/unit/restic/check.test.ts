import {describe, expect, it} from 'vitest';
import {checkArgs, readFindings} from '../../../src/restic/check.ts';
import {parseCounter} from '../../../src/restic/counter.ts';
import {forgetRuns, parseEstimate} from '../../../src/restic/forget.ts';
import {repairSteps} from '../../../src/restic/repair.ts';

const one = '6bed910370f6204e8f04dd0d2cc1446a408883f14eaa9e3e64554d3a5d2dbf84';
const two = '96fd2fe8c23a1eaa5222c598a984fb764a7433654031a0c51f8c01e40e37acdb';

describe('argv', () => {
  it.each([
    [undefined, true, ['check']],
    [{number: 3, of: 10}, true, ['check', '--read-data-subset=3/10']],
    [{number: 1, of: 1}, true, ['check', '--read-data']],
    [undefined, false, ['check', '--no-lock']],
  ])('of a check that reads %j, writable: %s', (part, writable, args) => {
    expect(checkArgs(part, writable)).toEqual(args);
  });

  it('forgets in as few runs as argv has room for, and prunes once', () => {
    const ids = Array.from({length: 1001}, (_, index) => `${index}`);
    expect(forgetRuns([])).toEqual([['prune']]);
    expect(forgetRuns(ids.slice(0, 2))).toEqual([['forget', '--prune', '0', '1']]);
    expect(forgetRuns(ids.slice(0, 500))).toHaveLength(1);
    const runs = forgetRuns(ids);
    expect(runs.map((run) => run.filter((word) => /^\d/.test(word)).length)).toEqual([500, 500, 1]);
    expect(runs.map((run) => run.includes('--prune'))).toEqual([false, false, true]);
    expect(runs.flat().filter((word) => /^\d/.test(word))).toEqual(ids);
  });
});

it.each([
  ['[0:02] 57.14%  4 / 7 packs processed', {files: 4, totalFiles: 7}],
  ['[12:00:02] 100.00%  2 / 2 files deleted', {files: 2, totalFiles: 2}],
  ['total prune: 4 blobs / 2.861 MiB', undefined],
])('the counter in %j', (line, counter) => {
  expect(parseCounter(line)).toEqual(counter);
});

it.each([
  ['to delete:             4 blobs / 2.862 MiB\ntotal prune:           4 blobs / 2.862 MiB\nremaining:             2 blobs / 294 B\n', 3_001_025],
  ['total prune:           0 blobs / 0 B\n', 0],
  ['nothing of that kind', null],
])('what a dry run of %j would free', (text, bytes) => {
  expect(parseEstimate(text)).toBe(bytes);
});

// As restic 0.14 and 0.19 print them.
describe('findings', () => {
  it('of a damaged pack, old and new', () => {
    const old = [`Pack ID does not match, want ${one}, got ${two}`, '', 'Fatal: repository contains errors'];
    expect(readFindings(old)).toEqual({problems: [old[0]], damagedPacks: [one], isConfigDamaged: false});
    const words = `pack ${two} contains 2 errors: [blob 6d3b: decrypting blob <data/6d3b> from pack ${two} failed: ciphertext verification failed]`;
    const recent = [
      words, '',
      'The repository contains damaged pack files. These damaged files must be removed to repair the repository.', '',
      `restic repair packs ${two} ${one}`, 'restic repair snapshots --forget', '',
      'Damaged pack files can be caused by backend problems, hardware problems or bugs in restic.', 'Fatal: repository contains errors',
    ];
    expect(readFindings(recent)).toEqual({problems: [words], damagedPacks: [two, one], isConfigDamaged: false});
  });

  it('of a missing pack, which cannot be repaired itself', () => {
    const lines = [
      `pack ${one}: does not exist`,
      'Load(<data/6bed910370>, 208, 0) returned error, retrying after 552.330144ms: no such file or directory',
      'error for tree 2a792cf9:', '  ReadFull(<data/6bed910370>): no such file or directory',
      'The repository is damaged and must be repaired. Please follow the troubleshooting guide.', 'Fatal: repository contains errors',
    ];
    expect(readFindings(lines)).toEqual({
      problems: [`pack ${one}: does not exist`, 'error for tree 2a792cf9: ReadFull(<data/6bed910370>): no such file or directory'],
      damagedPacks: [],
      isConfigDamaged: false,
    });
  });

  it.each([
    ['a short pack', `pack ${one}: unexpected file size: got 1000, expected 300127`, [one]],
    ['an index', 'error: error loading index 0d0f: load <index/0d0f>: invalid data returned', []],
    ['the configuration', 'Fatal: config or key a00e is damaged: ciphertext verification failed', []],
  ])('of %s', (_, line, damagedPacks) => {
    const {problems, ...rest} = readFindings([line, 'Fatal: LoadIndex returned errors']);
    expect(rest).toEqual({damagedPacks, isConfigDamaged: line.includes('config or key')});
    expect(problems).toEqual([line.replace(/^(error|Fatal): /, '')]);
  });
});

describe('the way to repair', () => {
  const version = (minor: number) => ({text: `0.${minor}.0`, major: 0, minor});

  it('has the commands of newer versions', () => {
    const steps = repairSteps('/a b', version(19), {structural: [], isConfigDamaged: false, packs: [one]}).join('\n');
    expect(steps).toContain(`restic -r '/a b' repair packs ${one}`);
    expect(steps).toContain("restic -r '/a b' repair snapshots --forget");
    expect(repairSteps('/r', version(16), {structural: [], isConfigDamaged: false, packs: []}).join('\n')).toContain('restic -r /r repair index');
  });

  it('names the files that a copy can replace', () => {
    const structural = [{kind: 'keys', id: one, problem: ''}, {kind: 'snapshots', id: two, problem: ''}] as const;
    const steps = repairSteps('/r', version(19), {structural, isConfigDamaged: false, packs: []}).join('\n');
    expect(steps).toContain(`emergency kit, or from an epoch of the offsite copy, which has the same keys: /r/keys/${one}`);
    expect(steps).toContain(`mv /r/snapshots/${two} /root/`);
  });

  it('has those of older ones, which repair less', () => {
    const steps = repairSteps('/r', version(14), {structural: [], isConfigDamaged: false, packs: [one]}).join('\n');
    expect(steps).toContain(`mv /r/data/6b/${one} /root/`);
    expect(steps).toContain('restic -r /r rebuild-index');
    expect(steps).not.toMatch(/-r \/r repair/);
  });
});
