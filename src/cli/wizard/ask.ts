/** One of the answers to a question. */
export interface Choice {
  readonly value: string;
  /** One line; whatever comes from a repository in it is printable already. */
  readonly label: string;
}

/** What the operator is asked: to pick one of the choices, or to type a line. */
export type Question =
  | {
      readonly kind: 'pick';
      readonly message: string;
      readonly choices: readonly Choice[];
      readonly canGoBack: boolean;
      readonly canSearch: boolean;
    }
  | {readonly kind: 'type'; readonly message: string; readonly suggestion: string; readonly canGoBack: boolean};

export type Answer =
  | {readonly kind: 'picked'; readonly value: string}
  | {readonly kind: 'typed'; readonly text: string}
  /** The text is undefined when it is still to be asked for. */
  | {readonly kind: 'search'; readonly text: string | undefined}
  | {readonly kind: 'back'};

/** One way to ask: with the keyboard's arrows on a screen, or line by line. */
export interface Asker {
  /** @throws TimetilesError `interrupted` when the operator leaves */
  ask(question: Question): Promise<Answer>;
  say(lines: readonly string[]): void;
  /** Says that there is something to wait for, while it lasts. */
  wait<Result>(label: string, work: () => Promise<Result>): Promise<Result>;
  /** Gives the terminal back. */
  close(): void;
}
