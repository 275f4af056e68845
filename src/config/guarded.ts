import {unexpandedError, type GivenValue} from './given.ts';
import type {Key} from './keys.ts';
import type {Settings} from './settings.ts';

/**
 * Settings in which a value that could not be expanded is an error where it is read, and nowhere else: who sends no mail need not
 * know what EMAIL_FROM refers to.
 */
export function guardSettings(settings: Settings, given: ReadonlyMap<string, GivenValue>): Settings {
  const guarded = {...settings};
  for (const [key, found] of given) {
    const {problem} = found;
    if (problem === undefined) continue;
    Object.defineProperty(guarded, key, {
      enumerable: true,
      configurable: true,
      get() {
        throw unexpandedError(key, found, problem);
      },
    });
  }
  return guarded;
}

/** Whether there is a value, also one that could not be expanded; reading that is an error. */
export function isSet(settings: Settings, key: Key): boolean {
  return Object.getOwnPropertyDescriptor(settings, key)?.get !== undefined || settings[key] !== undefined;
}

/** The same settings with other values; those that could not be expanded stay as they are, unless they are given here. */
export function withSettings(settings: Settings, others: Partial<Settings>): Settings {
  const copy: Settings = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(settings));
  for (const [key, value] of Object.entries(others)) Object.defineProperty(copy, key, {value, enumerable: true, configurable: true, writable: true});
  return copy;
}
