import {describe, expect, it} from 'vitest';
import type {Answer, Question} from '../../../src/cli/wizard/ask.ts';
import {askMenu, menuChoices} from '../../../src/cli/wizard/menu.ts';
import {commandOf} from '../../../src/cli/wizard/restore-wizard.ts';
import {firstStep, follow, questionOf, type Material, type Step} from '../../../src/cli/wizard/steps.ts';

const now = new Date('2026-11-21T05:00:00Z');
const time = new Date('2026-11-21T02:00:00Z');
const snapshot = (source: string) => ({source, id: source.repeat(10), time, bytes: 2048, added: 1});
const restoreTest = {set: 'any', time: time.toISOString(), state: 'passed', from: 'local', repository: '/r', image: null, tool: '0', seconds: 1, checks: {passed: 1, failed: 0, skipped: 0}, problems: []} as const;
const set = {id: '20261121T020000Z-aaaa', time, state: 'complete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, suspicions: []} as const;
const material: Material = {
  now,
  sets: [
    {...set, snapshots: [snapshot('db'), snapshot('uploads')], restoreTest: {...restoreTest, problems: []}},
    {...set, id: '20261120T020000Z-bbbb', state: 'incomplete', restoreTest: null, snapshots: [snapshot('db')]},
  ],
  entries: [
    {name: '2026', path: '/2026', isFolder: true, size: null, modified: ''},
    {name: 'no utf8 \uFFFD', path: '/no utf8 \uFFFD', isFolder: true, size: null, modified: ''},
    {name: 'e\u001B[2J', path: '/e\u001B[2J', isFolder: false, size: 5, modified: '2026-11-01T10:00:00Z'},
  ],
};
const possibilities = {sources: ['db', 'uploads'], hasOffsite: false};
const begin = firstStep(possibilities, {offsite: false});
const picked = (value: string): Answer => ({kind: 'picked', value});
const typed = (text: string): Answer => ({kind: 'typed', text});
const walk = (answers: Answer[], from: Step = begin) => answers.reduce((step, answer) => follow(step, answer, material), from);
const ask = (step: Step) => questionOf(step, possibilities, material);
const labels = (question: Question) => (question.kind === 'pick' ? question.choices.map(({label}) => label) : []);

describe('the steps of a restore', () => {
  it('lead to a restore in place of the whole set', () => {
    expect(walk([picked(''), picked(set.id), picked('place')])).toMatchObject({at: 'done', set: set.id, only: undefined, offsite: false});
  });

  it('lead to one file in a directory', () => {
    const entry = walk([picked('uploads'), picked(set.id), picked('browse'), picked('2')]);
    expect(entry).toMatchObject({at: 'entry', only: 'uploads'});
    expect(walk([picked('restore'), typed('/tmp/x')], entry)).toMatchObject({at: 'done', path: 'e\u001B[2J', target: '/tmp/x'});
  });

  it('ask which part to look into, when the whole set was chosen', () => {
    const step = walk([picked(''), picked(set.id), picked('browse')]);
    expect(labels(ask(step))).toEqual(['db', 'uploads']);
    expect(walk([picked('uploads')], step)).toMatchObject({at: 'folder', folder: '/', only: 'uploads'});
  });

  it('show sets on one line of 80 columns with state and evidence, and only those that have the source', () => {
    expect(labels(ask(walk([picked('db')])))).toEqual(['20261121T020000Z-aaaa  3 h ago  db 2.00 KiB  restore tested 3 h ago', '20261120T020000Z-bbbb  3 h ago  INCOMPLETE  db 2.00 KiB']);
    expect(labels(ask(walk([picked('uploads')])))).toHaveLength(1);
  });

  it('walk through folders, and name none as the repository spells it', () => {
    const root = walk([picked('uploads'), picked(set.id), picked('browse')]);
    expect(labels(ask(root))).toEqual(['2026/', 'no utf8 \uFFFD/', 'e\\x1b[2J  5 B  2026-11-01 10:00']);
    const inside = walk([picked('0')], root);
    expect(inside).toMatchObject({at: 'folder', folder: '/2026'});
    expect(labels(ask(inside)).at(0)).toBe('..');
    expect(walk([picked('..')], inside)).toMatchObject({folder: '/'});
    expect(walk([picked('.'), picked('restore')], inside)).toMatchObject({at: 'target', path: '2026'});
    // restic cannot list it, but restore it.
    expect(labels(ask(walk([picked('1')], root)))).toEqual(['restore this folder with all in it to a directory']);
  });

  it('search, also for something else, and lead back', () => {
    const root = walk([picked('uploads'), picked(set.id), picked('browse')]);
    const asked = walk([{kind: 'search', text: undefined}], root);
    expect(asked.at).toBe('search');
    const found = walk([typed('x')], asked);
    expect(found).toMatchObject({at: 'found', text: 'x'});
    expect(walk([{kind: 'search', text: 'y'}], root)).toMatchObject({at: 'found', text: 'y'});
    expect(walk([{kind: 'back'}], found)).toBe(root);
    expect(walk([picked('0')], found)).toMatchObject({at: 'entry'});
    expect(walk([picked('0'), picked('open')], found)).toMatchObject({at: 'folder', folder: '/2026'});
  });

  it('go back from everywhere to where they came from, without what was chosen there', () => {
    const target = walk([picked('uploads'), picked(set.id), picked('target')]);
    expect(walk([{kind: 'back'}, {kind: 'back'}, {kind: 'back'}], target)).toBe(begin);
    expect(ask(begin)).toMatchObject({canGoBack: false});
  });

  it('ask for nothing that the command line said', () => {
    expect(firstStep({...possibilities, hasOffsite: true}, {offsite: false}).at).toBe('place');
    expect(firstStep({...possibilities, hasOffsite: true}, {offsite: true}).at).toBe('part');
    const given = firstStep(possibilities, {offsite: false, only: 'db', target: '/tmp/x'});
    expect(given.at).toBe('set');
    expect(walk([picked(set.id)], given)).toMatchObject({at: 'done', target: '/tmp/x', only: 'db'});
    expect(walk([picked(''), picked(set.id)], firstStep(possibilities, {offsite: false, mustReplace: true}))).toMatchObject({at: 'done', set: set.id});
  });
});

it('the command of a choice can be pasted', () => {
  expect(commandOf({offsite: false, set: 's'}, undefined)).toBe('timetiles restore s');
  expect(commandOf({offsite: true, set: 's', only: 'uploads', path: '-a b', target: '/tmp/x'}, 'abc')).toBe("timetiles restore s --offsite --repository abc --only uploads '--path=-a b' --target /tmp/x");
});

describe('the menu', () => {
  const known = [{id: 'backup', flags: {}}, {id: 'restore', flags: {}}, {id: 'backup:find', flags: {}}];
  const answering = (...answers: Answer[]) => ({ask: () => Promise.resolve(answers.shift() ?? {kind: 'back'} as const), say: () => undefined, wait: <Result>(_: string, work: () => Promise<Result>) => work(), close: () => undefined});

  it('offers what this version has, and no flag that it lacks', () => {
    const offered = (commands: typeof known) => menuChoices(commands).map(({label}) => label.split('  ')[0]);
    expect(offered(known)).toEqual(['backup', 'backup find', 'restore']);
    expect(offered([{id: 'restore', flags: {undo: {}}}])).toEqual(['restore', 'restore --undo']);
    for (const {label} of menuChoices(known)) expect(label.length).toBeLessThan(75);
  });

  it('asks for what a command needs, and comes back when there is no answer', async () => {
    const find = menuChoices(known).find(({label}) => label.startsWith('backup find'))?.value ?? '';
    const backup = menuChoices(known)[0]?.value ?? '';
    expect(await askMenu(answering(picked(find), typed('-x')), known)).toEqual({id: 'backup:find', argv: ['--', '-x']});
    expect(await askMenu(answering(picked(find), {kind: 'back'}, picked(backup)), known)).toEqual({id: 'backup', argv: []});
  });
});
