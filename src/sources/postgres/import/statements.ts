/** What becomes of a statement of a dump; pure. */
export type Verdict =
  | {readonly state: 'keep'}
  /** It is about a database as a whole, or clears away what an empty database does not have. */
  | {readonly state: 'leave-out'; readonly why: 'database' | 'clearing'}
  | {readonly state: 'refuse'; readonly reason: string; readonly next: string};

/** What came before a statement. */
export interface DumpProgress {
  /** Whether anything has been created: before that, a dump may clear away what is there. */
  readonly hasCreated: boolean;
  readonly hasCleared: boolean;
  /** Whether the schema `public` would have been dropped. */
  readonly droppedPublic: boolean;
}

const keep: Verdict = {state: 'keep'};
const clearing: Verdict = {state: 'leave-out', why: 'clearing'};
const onDatabase = /^(?:(?:create|drop|alter)\s+database\b|(?:comment|security\s+label\b[^']*?)\s+on\s+database\b|(?:grant|revoke)\b[^']*?\son\s+database\b|alter\s+(?:role|user)\b[^']*?\sin\s+database\b)/i;
const ofCluster = /^(?:(?:create|drop|alter)\s+(?:role|group|tablespace|user(?!\s+mapping))\b|alter\s+system\b)/i;
const clears = /^(?:drop\b|alter\b[\s\S]*\sdrop\b|select\s+pg_catalog\.lo_unlink\b)/i;

/**
 * Judges a statement by its beginning. In a scratch database a dump must neither reach others nor fail at what is not
 * there to be dropped (pg_dump --create, --clean); what it makes stays the same without such statements.
 */
export function judgeStatement(text: string, progress: DumpProgress): Verdict {
  if (onDatabase.test(text)) return {state: 'leave-out', why: 'database'};
  if (ofCluster.test(text)) {
    return {state: 'refuse', reason: `changes roles or the whole server (${text.slice(0, 40).replaceAll(/\s+/g, ' ')}…), as pg_dumpall does`, next: 'Load it into an empty server, then dump the one database with pg_dump and import that.'};
  }
  if (/^copy\b/i.test(text) && !/\sfrom\s+stdin\b/i.test(text)) {
    return {state: 'refuse', reason: 'reads or writes files of the server (COPY), which pg_dump never does', next: 'See where it comes from. Load it by hand if you trust it, and back that up.'};
  }
  if (progress.hasCreated) return keep;
  if (clears.test(text)) return clearing;
  if (progress.hasCleared && /^create\s+or\s+replace\s+view\b/i.test(text)) return clearing;
  return progress.droppedPublic && /^create\s+schema\s+public\s*;/i.test(text) ? clearing : keep;
}

export function createsSomething(text: string): boolean {
  return /^create\b/i.test(text);
}

export function dropsPublic(text: string): boolean {
  return /^drop\s+schema\s+(if\s+exists\s+)?public\s*;/i.test(text);
}

const name = /"(?:[^"]|"")+"|[a-z_\x80-\uffff][\w$\x80-\uffff]*/i.source;
const roleClauses = [
  `^alter\\b[^']*\\sowner\\s+to\\s+(${name})\\s*;$`,
  `^(?:grant|alter\\s+default\\s+privileges)\\b[^']*\\sto\\s+(?:group\\s+)?(${name})(?:\\s+with\\s+grant\\s+option)?(?:\\s+granted\\s+by\\s+${name})?\\s*;$`,
  `^(?:revoke|alter\\s+default\\s+privileges)\\b[^']*\\sfrom\\s+(?:group\\s+)?(${name})\\s*;$`,
  `^alter\\s+default\\s+privileges\\s+for\\s+role\\s+(${name})`,
  `^(?:create|alter)\\s+user\\s+mapping\\s+for\\s+(${name})`,
  `^set\\s+session\\s+authorization\\s+'?(${name})'?\\s*;$`,
].map((source) => new RegExp(source, 'i'));
const policyRoles = new RegExp(`^create\\s+policy\\b.*?\\sto\\s+((?:${name})(?:\\s*,\\s*(?:${name}))*)(?:\\s+using|\\s+with\\s+check|\\s*;)`, 'is');
const notRoles = new Set(['public', 'current_user', 'session_user', 'current_role', 'default']);

/** The roles that a statement needs. */
export function rolesIn(text: string): string[] {
  const found = roleClauses.map((clause) => clause.exec(text)?.[1]).filter((role) => role !== undefined);
  const policy = policyRoles.exec(text)?.[1]?.match(new RegExp(name, 'gi')) ?? [];
  return [...found, ...policy].map(plainName).filter((role) => !notRoles.has(role));
}

/** The extension that a statement makes. */
export function extensionIn(text: string): string | undefined {
  const found = new RegExp(`^create\\s+extension\\s+(?:if\\s+not\\s+exists\\s+)?(${name})`, 'i').exec(text)?.[1];
  return found === undefined ? undefined : plainName(found);
}

/** Without quotes, as PostgreSQL takes it: what was not quoted is lower case. */
function plainName(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase();
}
