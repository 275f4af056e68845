import {appendFile, mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import type {Clock} from '../shared/clock.ts';

export interface AlertLine {
  readonly state: 'failed' | 'recovered' | 'test';
  /** What the alert is about: the same key is the same trouble. */
  readonly key: string;
  /** What happened, in one word, mostly of this tool's error kinds. */
  readonly kind: string;
  readonly command: string;
  readonly message: string;
  /** What the operator should do. */
  readonly next: string;
}

export interface AlertPlace {
  readonly clock: Clock;
  readonly configuration: {readonly home: string};
}

/** Appends a line of JSON to `alerts.log` in the installation directory, mode 0600. No line may hold a secret. */
export async function appendAlert({clock, configuration}: AlertPlace, line: AlertLine): Promise<void> {
  await mkdir(configuration.home, {recursive: true, mode: 0o700});
  await appendFile(alertsLogPath({configuration}), `${JSON.stringify({time: clock.now().toISOString(), ...line})}\n`, {mode: 0o600});
}

/** Where every alert is written, whatever else is configured. */
export function alertsLogPath({configuration}: Pick<AlertPlace, 'configuration'>): string {
  return join(configuration.home, 'alerts.log');
}
