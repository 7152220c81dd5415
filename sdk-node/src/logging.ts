// What the package has to say to people, and to whom it says it.

/**
 * Where the package logs. `console` and a pino logger are such loggers. `message` is complete; `fields` repeats its parts
 * for loggers that keep structured data.
 */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const ignore = (): void => {};

/** Says nothing. */
export const SILENT: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** Warnings and errors on the console: the default. */
export const WARNINGS: Logger = {
  debug: ignore,
  info: ignore,
  warn: (message) => console.warn(`rockqueue: ${message}`),
  error: (message) => console.error(`rockqueue: ${message}`),
};
