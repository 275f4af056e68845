import {TimetilesError} from '../shared/errors.ts';
import {formatBytes, plural, shellWord} from '../shared/format.ts';
import {withoutPassword} from '../shared/redact.ts';
import {settingLine} from '../config/setting-line.ts';
import {sourceByName} from '../sources/registry.ts';
import type {Home, Source, StackSettings} from '../sources/source.ts';
import {onStack, type Context} from './context.ts';
import {describeHost, type FoundBackup, type FoundHost} from './dr-find.ts';
import {readManifest, type Manifest} from './manifest.ts';
import type {BackupSet} from './sets.ts';

export interface DrChoice {
  readonly only: string | undefined;
  /** Undefined: as configured, else as in the manifest. */
  readonly project: string | undefined;
}

/** A recovery that was looked into; nothing has been touched. */
export interface DrPlan {
  readonly found: FoundBackup;
  readonly manifest: Manifest | undefined;
  readonly homes: readonly {readonly source: Source; readonly home: Home}[];
  /** All settings that the manifest gives. */
  readonly settings: StackSettings;
  /** The context on the stack that is to come back. */
  readonly context: Context;
  /** What is there already and would be replaced. */
  readonly live: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Reads the manifest, adopts its settings, and looks at what there is on this machine.
 * @throws TimetilesError when the stack can neither be found nor made
 */
export async function planRecovery(context: Context, found: FoundBackup, choice: DrChoice): Promise<DrPlan> {
  const {set, from} = found;
  const manifest = set.manifest === undefined ? undefined : await readManifest(from, set.manifest);
  const {given} = context.configuration;
  const project: StackSettings = choice.project !== undefined ? {COMPOSE_PROJECT_NAME: choice.project} : adoptProject(manifest, given);
  let settings = project;
  const homes: {source: Source; home: Home}[] = [];
  for (const {source: name} of set.snapshots) {
    const source = sourceByName(name);
    const record = manifest?.sources.find((candidate) => candidate.source === name);
    if (!source || !record || (choice.only !== undefined && choice.only !== name)) continue;
    const home = await source.findHome(onStack(context, settings), {record, project: manifest?.project ?? '', given});
    settings = {...settings, ...home.settings};
    homes.push({source, home});
  }
  const target = onStack(context, settings);
  const warnings = [
    ...(manifest ? [] : [`set ${set.id} has no manifest: nothing that is missing here can be made, and roles and row counts are not known`]),
    ...(set.state === 'incomplete' ? [`set ${set.id} is incomplete`] : []),
    ...(set.isSuspicious ? [`set ${set.id} is suspicious: ${(manifest?.suspicions ?? []).join('; ')}`] : []),
    ...homes.flatMap(({home}) => home.warnings),
  ];
  return {found, manifest, homes, settings, context: target, live: await findLive(target, {set, manifest}, choice.only), warnings};
}

/** The manifest's project, where the configuration names none. Pure. */
export function adoptProject(manifest: Pick<Manifest, 'project'> | undefined, given: ReadonlySet<string>): StackSettings {
  return manifest === undefined || given.has('COMPOSE_PROJECT_NAME') ? {} : {COMPOSE_PROJECT_NAME: manifest.project};
}

/** What the sources of a set would replace, a line each. */
export async function findLive(context: Context, {set, manifest}: {set: BackupSet; manifest: Manifest | undefined}, only: string | undefined): Promise<string[]> {
  const live: string[] = [];
  for (const {source: name} of set.snapshots) {
    if (only !== undefined && only !== name) continue;
    const text = await sourceByName(name)?.findLive(context, manifest?.sources.find((candidate) => candidate.source === name));
    if (text !== undefined) live.push(text);
  }
  return live;
}

/** @throws TimetilesError that names what would be lost */
export function requireNothingLive(live: readonly string[]): void {
  if (live.length === 0) return;
  throw new TimetilesError('restore', `this machine holds live data: ${live.join('; ')}`, 'To replace it, after it was saved as a set of its own: the same command with --replace. For an ordinary restore: timetiles restore');
}

/** What of a plan is told. */
export interface DrPlanText extends Pick<DrPlan, 'manifest' | 'live'> {
  readonly found: Omit<FoundBackup, 'from'>;
  readonly homes: readonly {readonly home: Pick<Home, 'missing'>}[];
}

/** What the command line says about a plan. */
export interface DrPlanOptions {
  readonly only: string | undefined;
  /** Whether live data may be replaced, and is saved then. */
  readonly replace: boolean;
  readonly savesFirst: boolean;
}

/** The plan in words. Pure. */
export function describeDrPlan(plan: DrPlanText, options: DrPlanOptions): string[] {
  const {found, manifest, homes, live} = plan;
  const {set} = found;
  const missing = homes.flatMap(({home}) => home.missing);
  return [
    `found at ${found.place}:`,
    ...found.hosts.map((host: FoundHost) => `    ${describeHost(host)}`),
    `set ${set.id} of ${found.host} comes back:`,
    ...set.snapshots.filter(({source}) => options.only === undefined || source === options.only).map(({source, id}) => {
      const record = manifest?.sources.find((candidate) => candidate.source === source);
      return `    ${source}  ${record ? `${plural(record.files, 'file')}, ${formatBytes(record.bytes)}  ` : ''}(snapshot ${id.slice(0, 8)})`;
    }),
    missing.length === 0 ? 'all that it needs is here' : 'this machine lacks something for it; timetiles:',
    ...missing.map((line) => `    ${line}`),
    ...describeLive(live, options),
  ];
}

function describeLive(live: readonly string[], {replace, savesFirst}: DrPlanOptions): string[] {
  if (live.length === 0) return ['there is no live data here'];
  const saved = savesFirst ? 'before that, it is saved as a set of its own' : 'it is NOT saved first';
  if (replace) return [`live data is replaced: ${live.join('; ')}`, saved];
  return [`this machine holds live data: ${live.join('; ')}`, 'without --replace that is not touched, and nothing is recovered'];
}

/** Lines for bootstrap.conf, with what the manifest knows and the configuration does not. Pure. */
export function settingLines(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([key, value]) => settingLine(key, withoutPassword(value)));
}

/** How the stack was set up, for a person who sets it up again. Pure. */
export function stackLines(manifest: Manifest | undefined): string[] {
  const stack = manifest?.stack;
  if (!stack) return [];
  return [
    ...(stack.files === null ? [] : [`compose file on ${manifest.host}: ${stack.files}`]),
    ...stack.containers.map(({name, image, imageId}) => `${name}: ${image} (${imageId.slice(0, 19)})`),
    ...stack.containers.flatMap(({name, mounts}) => mounts.map(({type, source, destination}) => `${name}: ${type} ${shellWord(source)} at ${destination}`)),
  ];
}
