import {describe, expect, it} from 'vitest';
import {optionsText, sessionSettings} from '../../../src/sources/postgres/session-settings.ts';
import {firstError, sqlFailureIn} from '../../../src/sources/postgres/sqlstate.ts';

describe('the SQLSTATE of what psql printed', () => {
  it.each([
    ['English', 'ERROR:  42P01: relation "nix" does not exist\nLINE 1: select * from nix\nLOCATION:  parserOpenTable, parse_relation.c:1449', '42P01', 'relation "nix" does not exist'],
    ['German', 'FEHLER:  42P01: Relation »nix« existiert nicht\nORT:  parserOpenTable, parse_relation.c:1449', '42P01', 'Relation »nix« existiert nicht'],
    ['Chinese', '错误:  42P01: 关系 "nix" 不存在', '42P01', '关系 "nix" 不存在'],
    ['with file and line', 'psql:<stdin>:12: ERROR:  55006: database "a" is being accessed by other users', '55006', 'database "a" is being accessed by other users'],
    ['after warnings', 'WARNUNG:  25P01: keine Transaktion offen\nNOTICE:  00000: hallo\nERROR:  P0001: mein fehler', 'P0001', 'mein fehler'],
    ['of a session that was ended', 'FATAL:  57P01: terminating connection due to administrator command\nserver closed the connection unexpectedly\n\tThis probably means', '57P01', 'terminating connection due to administrator command'],
  ])('%s', (_, stderr, sqlstate, message) => {
    expect(sqlFailureIn(stderr)).toEqual({sqlstate, message});
    expect(firstError(stderr)).toBe(message);
  });

  it.each([
    ['a failed connection', 'psql: error: connection to server on socket "/s" failed: FATAL:  Datenbank »x« existiert nicht', 'Datenbank »x« existiert nicht'],
    ['warnings alone', 'WARNING:  01000: there is something\n', 'WARNING:  01000: there is something'],
  ])('is unknown of %s', (_, stderr, said) => {
    expect(sqlFailureIn(stderr)).toBeUndefined();
    expect(firstError(stderr)).toBe(said);
  });
});

describe('the settings of a session', () => {
  const names = (versionNumber: number, isSuperuser: boolean) => Object.keys(sessionSettings({versionNumber, isSuperuser}));

  it('are none that the server does not know or the role may not set', () => {
    expect(names(130_004, false)).not.toContain('idle_session_timeout');
    expect(names(140_000, false)).toContain('idle_session_timeout');
    expect(names(160_000, true)).not.toContain('transaction_timeout');
    expect(names(170_000, false)).toContain('transaction_timeout');
    expect(names(170_000, false)).not.toEqual(expect.arrayContaining(['event_triggers']));
    expect(names(170_000, true)).toEqual(expect.arrayContaining(['event_triggers', 'role', 'lc_messages']));
    expect(Object.keys(sessionSettings(undefined))).toEqual(names(120_000, false));
  });

  it('are written as libpq reads them', () => {
    expect(optionsText({default_transaction_isolation: 'read committed', x: 'a\\b'})).toBe('-c default_transaction_isolation=read\\ committed -c x=a\\\\b');
  });
});
