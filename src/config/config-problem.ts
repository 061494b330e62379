import type * as v from 'valibot';
import { checkShape } from '../domain/shape.ts';

/** One thing to correct in a file. */
export type ConfigProblem = {
  readonly file: string;
  /** JSON path, or line and column; absent when it is the file itself. */
  readonly place?: string;
  /** What would be right there. */
  readonly expected: string;
};

/** Tells one problem of the file at hand, or what is taken and should be otherwise. */
export type Report = (place: string, expected: string, kind?: 'problem' | 'warning') => void;

/** `demo.json: $.serviceConfigs[0].scid: Expected a GUID` */
export function formatProblem({ file, place, expected }: ConfigProblem): string {
  return [file, place, expected].filter((part) => part !== undefined).join(': ');
}

/** `warning: demo.json: $.serviceConfigs[0] …` */
export function formatWarning(warning: ConfigProblem): string {
  return `warning: ${formatProblem(warning)}`;
}

/** The value in its shape; undefined when it does not fit, and every way in which is reported. */
export function parseOrReport<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  path: string,
  report: Report,
): v.InferOutput<S> | undefined {
  const checked = checkShape(schema, value, path);
  if ('value' in checked) return checked.value;
  for (const problem of checked.problems) report(problem.path, problem.expected);
  return undefined;
}
