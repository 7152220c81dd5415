// `instanceof` that holds across copies of this package, and for minified code: by names that the classes carry as
// data, not by the identity of the classes.

const KINDS = Symbol.for("rockqueue.kinds");

/** The names of a class and of the classes of this package that it extends, its own first. */
export function kindsOf(kind: unknown): string[] {
  const names: string[] = [];
  for (let one: unknown = kind; typeof one === "function"; one = Object.getPrototypeOf(one)) {
    if (Object.hasOwn(one, "kind")) {
      names.push((one as unknown as { kind: string }).kind);
    }
  }
  return names;
}

/** True for instances of a class, of one that extends it, and of their twins in another copy of this package. */
export function sameKind(kind: unknown, value: unknown): boolean {
  if (typeof value !== "object" || value === null || typeof kind !== "function") {
    return false;
  }
  if (Object.prototype.isPrototypeOf.call(kind.prototype as object, value)) {
    return true;
  }
  // A class of the user's that extends one of ours has no twin.
  if (!Object.hasOwn(kind, "kind")) {
    return false;
  }
  const found = (value as { [KINDS]?: readonly string[] })[KINDS];
  return found?.includes((kind as unknown as { kind: string }).kind) ?? false;
}

/** Marks what a class makes, so that its twins know it. */
export function markKinds(kind: { readonly prototype: object }): void {
  Object.defineProperty(kind.prototype, KINDS, {
    get(this: object): string[] {
      return kindsOf(this.constructor);
    },
  });
}
