import {createHash} from 'node:crypto';
import {describe, expect, it} from 'vitest';
import {kitQr, kitQrTexts, qrCapacity} from '../../../src/offsite/kit-qr.ts';
import {kitText, type KitFacts} from '../../../src/offsite/kit.ts';

const epochUrl = `s3:https://s3.example.org/bucket/backups/${'1'.repeat(64)}/20261121T020000Z`;
const fileOf = (name: string, bytes: Buffer) => ({name, base64: bytes.toString('base64'), sha256: createHash('sha256').update(bytes).digest('hex')});

const facts: KitFacts = {
  made: new Date('2026-11-21T02:00:00Z'),
  host: 'server1',
  project: 'shop',
  toolVersion: '1.2.3',
  localPath: '/opt/timetiles/backups/restic-repo',
  repositoryId: '1'.repeat(64),
  offsite: {
    url: 's3:https://s3.example.org/bucket/backups',
    kind: 's3',
    location: {host: 's3.example.org', bucket: 'bucket', prefix: 'backups'},
    endpoint: 'https://s3.example.org',
    region: 'eu-central-1',
    epochUrl,
    keyId: 'AKIAEXAMPLE',
    level: 'write-only',
  },
  files: [fileOf('config', Buffer.alloc(155, 7)), fileOf(`keys/${'a'.repeat(64)}`, Buffer.alloc(439, 9))],
};

describe('kitText', () => {
  const text = kitText(facts);

  it('opens with what it is and what it is not', () => {
    expect(text.split('\n').slice(0, 3)).toStrictEqual(['TIMETILES EMERGENCY KIT: shop on server1', '='.repeat(40), 'Made 2026-11-21T02:00:00.000Z by timetiles 1.2.3.']);
    expect(text).toContain('The password is NOT in here');
  });

  it('tells place and key', () => {
    expect(text).toContain(
      [
        `  Repository id     ${'1'.repeat(64)}`,
        '  Local repository  /opt/timetiles/backups/restic-repo',
        '  Offsite URL       s3:https://s3.example.org/bucket/backups',
        '  Endpoint          https://s3.example.org',
        '  Bucket            bucket',
        '  Prefix            backups',
        '  Region            eu-central-1',
        `  Current epoch     ${epochUrl}`,
      ].join('\n'),
    );
    expect(text).toContain('access key id AKIAEXAMPLE, which is write-only');
    expect(text).toContain('That key cannot read. A restore needs a READING key: GetObject and ListBucket');
  });

  it('the commands are in the order in which they are needed', () => {
    const commands = [
      'export RESTIC_PASSWORD',
      "export AWS_ACCESS_KEY_ID='ID OF THE READING KEY'",
      'export AWS_SECRET_ACCESS_KEY',
      'export AWS_DEFAULT_REGION=eu-central-1',
      'timetiles dr s3:https://s3.example.org/bucket/backups\n',
      `export RESTIC_REPOSITORY=${epochUrl}`,
      'export RESTIC_CACHE_DIR="$(mktemp -d)"',
      'restic snapshots --no-lock',
      'restic restore ID_OF_UPLOADS --target /srv/restored-uploads --no-lock',
      'restic dump --no-lock ID_OF_DB /database.sql | psql --set ON_ERROR_STOP=1',
      "base64 -d > kit-files/config <<'END'",
      `--key backups/${'1'.repeat(64)}/20261121T020000Z/keys/${'a'.repeat(64)} --body`,
    ];
    const positions = commands.map((command) => text.indexOf(command));
    expect(positions).not.toContain(-1);
    expect(positions).toStrictEqual(positions.toSorted((left, right) => left - right));
  });

  it('holds the files in lines of 76 characters, with their digests', () => {
    for (const {base64, sha256} of facts.files) {
      expect(text.replaceAll('\n', '')).toContain(base64);
      expect(text).toContain(sha256);
    }
    expect(text.split('\n').filter((line) => line.length > 76 && /^[A-Za-z0-9+/=]+$/.test(line))).toStrictEqual([]);
  });

  it('no password of a URL gets in', () => {
    const rest = kitText({...facts, offsite: {url: 'rest:https://user:hunter2@backup.example.org/repo', kind: 'other'}});
    expect(rest).not.toContain('hunter2');
    expect(rest).toContain('rest:https://user@backup.example.org/repo');
    expect(rest).not.toContain('AWS_');
  });

  it('without an offsite copy: the local repository', () => {
    const local = kitText({...facts, offsite: undefined});
    expect(local).toContain('export RESTIC_REPOSITORY=/opt/timetiles/backups/restic-repo');
    expect(local).toContain('\ntimetiles dr /opt/timetiles/backups/restic-repo\n');
    expect(local).toContain('Offsite URL       none is configured');
    expect(local).not.toMatch(/--offsite|put-object|undefined/);
  });

  it('paths with blanks and quotes are words of the shell', () => {
    expect(kitText({...facts, offsite: undefined, localPath: "/it's here"})).toContain(`'/it'\\''s here'`);
  });
});

describe('QR codes', () => {
  it('a repository with one key fits into one code', () => {
    const texts = kitQrTexts(facts);
    expect(texts).toHaveLength(1);
    expect(Buffer.byteLength(texts[0] ?? '')).toBeLessThan(1300);
    for (const word of [epochUrl, facts.repositoryId, 'AKIAEXAMPLE', ...facts.files.map(({base64}) => base64)]) expect(texts[0]).toContain(word);
  });

  it('what does not fit is split, and can be joined again', () => {
    const texts = kitQrTexts({...facts, offsite: {url: 's3:https://s3.example.org/bücket/backups', kind: 's3'}}, 220);
    expect(texts.length).toBeGreaterThan(3);
    for (const [index, text] of texts.entries()) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(220);
      expect(text.split('\n')[0]).toBe(`timetiles-kit ${index + 1}/${texts.length}`);
    }
    const joined = texts.map((text) => text.slice(text.indexOf('\n') + 1)).join('');
    expect(joined).toContain('bücket');
    for (const {name, base64} of facts.files) expect(joined).toContain(`${name} ${base64}`);
  });

  it('the largest text still makes a code; each line is equally wide', () => {
    const lines = kitQr('x'.repeat(qrCapacity)).split('\n');
    expect(new Set(lines.map((line) => line.length))).toStrictEqual(new Set([185]));
    expect(lines[0]).toBe('█'.repeat(185));
  });
});
