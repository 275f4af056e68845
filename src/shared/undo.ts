import {messageOf} from './errors.ts';

/** Steps that take back what was begun; run last first. */
export interface UndoStack {
  /** Registers how to take back what was just done. */
  add(label: string, undo: () => Promise<void>): void;
  /** Runs every step, last first, each exactly once, and joins their failures into one AggregateError. */
  run(): Promise<void>;
}

export function createUndoStack(): UndoStack {
  const steps: {label: string; undo: () => Promise<void>}[] = [];
  return {
    add: (label, undo) => void steps.push({label, undo}),
    async run() {
      const failures: Error[] = [];
      for (let step = steps.pop(); step; step = steps.pop()) {
        try {
          await step.undo();
        } catch (error) {
          failures.push(new Error(`${step.label}: ${messageOf(error)}`, {cause: error}));
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
    },
  };
}
