import {describe, expect, it} from 'vitest';
import {chooseDatabase, databaseCandidates, namedByApp} from '../../../src/sources/postgres/choose-database.ts';
import {databaseOfSource, joinDatabaseNames, readDatabaseNames, sourceOfDatabase} from '../../../src/sources/postgres/database-names.ts';
import {targetDatabase} from '../../../src/sources/postgres/restore-into.ts';
import {sourceByName} from '../../../src/sources/registry.ts';

describe('DB_NAME', () => {
  it.each([
    [undefined, [], false],
    ['app', ['app'], false],
    ['a,b', ['a', 'b'], false],
    [' a , b ,', ['a', 'b'], false],
    ['a,a', ['a'], false],
    ['*', [], true],
    ['app,*', ['app'], true],
    ['my shop,søk', ['my shop', 'søk'], false],
    ['"a,b",c', ['a,b', 'c'], false],
    ['"*"', ['*'], false],
    ['"say ""hi"""', ['say "hi"'], false],
    [`Time "tiles" $HOME's \\ ü`, [`Time "tiles" $HOME's \\ ü`], false],
  ])('%j names %j', (value, names, all) => {
    expect(readDatabaseNames(value)).toEqual({names, all});
    if (names.length > 0) expect(readDatabaseNames(joinDatabaseNames(names))).toEqual({names, all: false});
  });

  it('that names nothing is an error', () => {
    expect(() => readDatabaseNames(' , ')).toThrow('names no database');
  });
});

describe('the source of a further database', () => {
  it.each([
    ['shop', 'db-shop'],
    ['my shop', 'db-my%20shop'],
    ['a,b+c:d', 'db-a%2Cb%2Bc%3Ad'],
    ['søk', 'db-s%C3%B8k'],
    [`it's "x"`, 'db-it%27s%20%22x%22'],
    ['100%', 'db-100%25'],
    ['../x', 'db-..%2Fx'],
    ['db-shop', 'db-db-shop'],
    ['日本', 'db-%E6%97%A5%E6%9C%AC'],
  ])('of %j is %s', (database, source) => {
    expect(sourceOfDatabase(database)).toBe(source);
    expect(databaseOfSource(source)).toBe(database);
    expect(sourceByName(source)).toMatchObject({name: source, kind: 'db'});
    expect(source).not.toMatch(/[,+: ]/);
  });

  it.each(['db', 'uploads', 'db-', 'db-a b', 'db-%', 'db-%zz', 'db-%41', 'dbx'])('%s is none', (source) => {
    expect(databaseOfSource(source)).toBeUndefined();
  });
});

describe('the database with the data of the app', () => {
  const db = (name: string, tables: number | null) => ({name, tables});
  it.each([
    ['the one that the container names', 'app', [db('app', 3), db('shop', 5)], undefined, {state: 'found', name: 'app'}],
    ['one that cannot be looked into but was named', 'app', [db('app', null), db('shop', 5)], undefined, {state: 'found', name: 'app'}],
    ['the only one with tables', 'postgres', [db('postgres', 0), db('app', 3)], undefined, {state: 'instead', name: 'app'}],
    ['the only one with tables, the named one not being there', 'gone', [db('postgres', 0), db('app', 3)], undefined, {state: 'instead', name: 'app'}],
    ['a new one, with nothing in it anywhere', 'app', [db('app', 0), db('postgres', 0)], undefined, {state: 'found', name: 'app'}],
    ['the one of earlier backups, of several', 'postgres', [db('postgres', 0), db('app', 3), db('shop', 5)], 'shop', {state: 'instead', name: 'shop'}],
    ['the one of earlier backups, emptied by accident, and not its neighbour', 'app', [db('app', 0), db('shop', 5)], 'app', {state: 'found', name: 'app'}],
  ])('is %s', (_, preferred, databases, earlier, expected) => {
    expect(chooseDatabase({preferred, databases, earlier})).toEqual(expected);
  });

  it('is asked for where several may be it', () => {
    const databases = [db('postgres', 0), db('app', 3), db('shop', 5)];
    expect(chooseDatabase({preferred: 'postgres', databases, earlier: undefined})).toMatchObject({state: 'several', databases: [{name: 'app'}, {name: 'shop'}]});
    expect(databaseCandidates(databases.slice(1)).map(({value}) => value)).toEqual(['app', 'shop', 'app,shop', '*']);
  });

  it('is lost where earlier backups hold one that has gone, and another must not take its place', () => {
    const gone = chooseDatabase({preferred: 'postgres', databases: [db('postgres', 0), db('shop', 5)], earlier: 'app'});
    expect(gone).toMatchObject({state: 'lost', name: 'app'});
    expect(chooseDatabase({preferred: 'app', databases: [db('shop', 5)], earlier: 'app'})).toMatchObject({state: 'lost', name: 'app'});
  });

  it.each([
    [{DATABASE_URL: 'postgresql://u:p%40@db:5432/app?schema=public'}, ['app']],
    [{SPRING_DATASOURCE_URL: 'jdbc:postgresql://db/shop'}, ['shop']],
    [{DB_DATABASE: 'app'}, ['app']],
    [{DATABASE_URL: 'postgres+asyncpg://u@db/app', OTHER: 'postgres://u@db/shop'}, ['app', 'shop']],
    [{DATABASE_URL: 'mysql://db/app'}, []],
    [{DATABASE_URL: 'postgres://db/%zz'}, []],
  ])('an app with %j names %j', (environment, names) => {
    expect(namedByApp([{environment}], [db('app', 1), db('shop', 1)])).toEqual(names);
  });
});

describe('the database that the main one of a set is restored into', () => {
  const saved = (name: string, preferred?: string) => ({name, preferred});
  it.each([
    ['as the container names it', undefined, 'app', saved('app_before'), 'app'],
    ['saved in stead of the very one that the container names', undefined, 'postgres', saved('app', 'postgres'), 'app'],
    ['saved so where another one is named now', undefined, 'shop', saved('app', 'postgres'), 'shop'],
    ['as DB_NAME says', 'b', 'b', saved('a'), 'b'],
    ['one of several of DB_NAME', 'b,a', 'b', saved('a'), 'a'],
    ['none of several of DB_NAME', 'b,c', 'b', saved('a'), 'b'],
    ['all', '*', 'postgres', saved('a'), 'a'],
    ['unknown', '*', 'postgres', undefined, 'postgres'],
  ])('%s', (_, configured, connected, from, expected) => {
    expect(targetDatabase({configured, connected, saved: from})).toBe(expected);
  });
});
