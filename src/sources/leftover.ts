/** The data from before a restore, as `swap` kept it. */
export interface KeptData {
  readonly bytes: number;
  /** What it is and where, in words. */
  readonly description: string;
  /** How much there is of what it consists of: tables, or files. */
  readonly items: {readonly count: number; readonly noun: string};
  /** Why it cannot become the live data again, in words; undefined when nothing speaks against it. */
  readonly problem?: string | undefined;
  /** Ids of containers that must not run when it becomes the live data again. */
  readonly mustStop: readonly string[];
}

/** Something that a restore left in the place of a source's data, and that has its name. */
export interface Leftover {
  /** The id of that restore. */
  readonly restoreId: string;
  /** `staged` never was live; `kept` was, before a restore. */
  readonly kind: 'staged' | 'kept';
  /** What it is, in words. */
  readonly description: string;
  /** What removes it by hand. */
  readonly command: string;
  /** Whether somebody is at work on it. */
  readonly isInUse: boolean;
  remove(): Promise<void>;
}
