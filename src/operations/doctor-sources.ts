import {sources} from '../sources/registry.ts';
import type {Source} from '../sources/source.ts';
import {newestRecord} from './choose-sources.ts';
import type {Context} from './context.ts';
import {attempt, type Check} from './doctor-check.ts';
import type {Manifest} from './manifest.ts';
import {readEarlierManifests} from './suspicion.ts';

/** Looks at every source that a backup would hold; a kind of data that the project is without is one line. */
export async function checkSources(context: Context): Promise<Check[]> {
  const earlier = await readEarlierManifests(context);
  const checks: Check[] = [];
  const absent: Check[] = [];
  for (const first of sources) {
    if (context.settings.BACKUP_SOURCES?.includes(first.kind) === false) {
      checks.push({name: first.name, state: 'ok', message: 'not backed up (BACKUP_SOURCES)'});
      continue;
    }
    const record = newestRecord(first.name, earlier);
    const isNeeded = context.settings.BACKUP_SOURCES !== undefined || record !== undefined;
    let further: readonly Source[] = [];
    const notes: Check[] = [];
    const check = await attempt(first.name, async () => {
      const reason = isNeeded ? undefined : await first.findAbsence(context, record);
      if (reason) {
        absent.push({name: first.name, state: 'fail', message: reason.message, remedy: reason.next});
        return `none: ${reason.message}`;
      }
      const [own = first, ...others] = (await first.findSources?.(context, record)) ?? [];
      further = others;
      return inspectSource(context, own, earlier, notes);
    });
    checks.push(check);
    for (const source of further) checks.push(await attempt(source.name, () => inspectSource(context, source, earlier, notes)));
    checks.push(...notes);
  }
  // A project has the one or the other.
  return absent.length === sources.length ? absent : checks;
}

async function inspectSource(context: Context, source: Source, earlier: readonly Manifest[], notes: Check[]): Promise<string | {warning: string}> {
  const task = await source.inspect(context, {allowEmpty: false, earlier: newestRecord(source.name, earlier)});
  notes.push(...task.notes.map((message) => ({name: source.name, state: 'warn' as const, message})));
  return task.warnings.length === 0 ? task.description : {warning: task.warnings.join('; ')};
}
