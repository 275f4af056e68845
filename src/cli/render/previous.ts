import type {Previous} from '../../operations/previous.ts';
import {formatBytes} from '../../shared/format.ts';

/** What became of the data from before a restore, and how to return to it, in lines. */
export function describePrevious(previous: Previous | undefined, safetySet: string | null): string[] {
  const saved = safetySet === null ? 'The state before was not saved as a set.' : `The state before is set ${safetySet}; to return to it: timetiles restore ${safetySet}`;
  if (!previous) return [saved, 'Its data could not be put aside yet; the next command does that.'];
  if (previous.kept) return [saved, `Its data is kept ${describeUntil(previous)} and takes ${formatBytes(previous.bytes)}; to return to it at once: timetiles restore --undo`];
  return [saved, `Its data is not kept${previous.reason === null ? '' : ` (${previous.reason})`}${safetySet === null ? '.' : '; timetiles restore --undo restores that set.'}`];
}

/** How long the data stays. */
export function describeUntil({until}: Previous): string {
  return until === null ? 'until the next backup' : `until ${until}`;
}
