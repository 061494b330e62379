/**
 * What belongs to an object, kept with it for as long as it lives: mostly what is computed from a value
 * that never changes.
 *
 * It is a private field that is put on the object: none of its keys, so that no comparison, copy or
 * text shows it. A WeakMap would do the same at more than ten times the cost, for every write keeps
 * some and asks for a dozen, and collectors have to visit each map.
 */
export type Keeper<Value extends object, T> = {
  /** What is kept with this value; undefined when nothing is. */
  of(value: Value): T | undefined;
  /** Keeps `what`, in place of what was kept, and gives it back. */
  keep(value: Value, what: T): T;
};

/** Makes of `super(value)` in a class below it that value itself, so that it gets the fields of that class. */
class Bearer {
  constructor(value: object) {
    // biome-ignore lint/correctness/noConstructorReturn: it is what this class is for
    return value;
  }
}

/** A keeper that keeps nothing yet, apart from all others. */
export function createKeeper<Value extends object, T>(): Keeper<Value, T> {
  class Kept extends Bearer {
    #what: T;

    constructor(value: Value, what: T) {
      super(value);
      this.#what = what;
    }

    static of(value: object): T | undefined {
      return #what in value ? value.#what : undefined;
    }

    static keep(value: Value, what: T): T {
      if (#what in value) value.#what = what;
      else new Kept(value, what);
      return what;
    }
  }
  return Kept;
}
