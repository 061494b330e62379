/**
 * What belongs to an object and lives as long as it does: mostly what is computed from a value that
 * never changes.
 *
 * It is a private field that is put on the object: none of its keys, so that no comparison, copy or
 * text shows it. A WeakMap would do the same at more than ten times the cost: every write sets some
 * memos and reads a dozen, and the collector has to visit each map.
 */
export type Memo<Value extends object, T> = {
  /** What was set for this value; undefined when nothing was. */
  get(value: Value): T | undefined;
  /** Replaces the content with `content` and returns it. */
  set(value: Value, content: T): T;
};

/** Its constructor returns `value` itself, so that a derived class puts its fields on `value`. */
class FieldsOf {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what this class is for
    return value;
  }
}

/** An empty memo, separate from all others. */
export function createMemo<Value extends object, T>(): Memo<Value, T> {
  class Field extends FieldsOf {
    #content: T;

    constructor(value: Value, content: T) {
      super(value);
      this.#content = content;
    }

    static get(value: object): T | undefined {
      return #content in value ? value.#content : undefined;
    }

    static set(value: Value, content: T): T {
      if (#content in value) value.#content = content;
      else new Field(value, content);
      return content;
    }
  }
  return Field;
}
