/** What a long step tells while it works; every field but the label may be unknown. */
export interface Progress {
  readonly label: string;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly files?: number;
  readonly totalFiles?: number;
}

/** Where operations speak to the operator. Texts pass through redaction before they are printed. */
export interface Log {
  /** Whether progress is seen by anybody: what only serves it need not be asked for. */
  readonly showsProgress: boolean;
  info(text: string): void;
  warn(text: string): void;
  debug(text: string): void;
  progress(update: Progress): void;
}
