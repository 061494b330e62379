/**
 * `target` with these members in place of its own. All others are those of `target` and act on it, so
 * that a class with private fields can be overridden too.
 */
export function override<T extends object>(target: T, members: Partial<T>): T {
  const bound = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_target, name) {
      if (Object.hasOwn(members, name)) return Reflect.get(members, name);
      const known = bound.get(name);
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const method: unknown = member.bind(target);
      bound.set(name, method);
      return method;
    },
  });
}
