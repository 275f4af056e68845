import {describe, expect, it} from 'vitest';
import {notesOn, type NoteFacts} from '../../../src/sources/postgres/backup-notes.ts';

const none: NoteFacts = {
  user: 'app', readsPasswords: true, mayCreateDatabases: true, isSuperuser: true, logins: ['app'], lostExtensions: [], untrusted: ['plpgsql', 'postgis'], tablespaces: [], foreignServers: [],
  extensionTables: [], invalidIndexes: [], subscriptions: [], slots: [], prepared: 0,
};

describe('what a restore could not bring back', () => {
  it.each<[string, Partial<NoteFacts>, RegExp[]]>([
    ['nothing', {}, []],
    ['passwords', {readsPasswords: false}, [/passwords of roles are not saved, since app may not read them: .* for app\. .*superuser$/]],
    ['rights', {isSuperuser: false, mayCreateDatabases: false}, [/app may not create databases/, /may not create the extensions of the database \(postgis\)/]],
    ['lost extensions', {lostExtensions: ['h3']}, [/files of these extensions any more: h3/]],
    ['many names', {tablespaces: Array.from({length: 12}, (_, index) => `t${index}`)}, [/t9 and 2 more/]],
    ['other servers', {foreignServers: ['far'], subscriptions: ['s'], slots: ['x'], prepared: 2}, [/foreign tables .*\(far\)/, /subscriptions come back disabled: s/, /slots .*: x/, /2 prepared transactions/]],
    ['rows and indexes', {extensionTables: ['e.t'], invalidIndexes: ['i']}, [/keep rows .*: e\.t/, /invalid indexes .*: i/]],
  ])('%s', (_, facts, expected) => {
    const notes = notesOn({...none, ...facts});
    expect(notes).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });
});
