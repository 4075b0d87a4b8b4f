import { useEffect, useState } from "./html.js";

/**
 * A value that components watch.
 * @template T
 */
export class Store {
  /** @type {Set<() => void>} */
  #watchers = new Set();

  /** @param {T} value */
  constructor(value) {
    this.value = value;
  }

  /** @param {T} value */
  set(value) {
    this.value = value;
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * Calls the function after each change, until the returned function is called.
   * @param {() => void} watcher
   * @returns {() => void}
   */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }
}

/**
 * Returns the store's value, and renders the component again after each change.
 * @template T
 * @param {Store<T>} store
 * @returns {T}
 */
export function useStore(store) {
  const [, renderAgain] = useState({});
  useEffect(() => store.watch(() => renderAgain({})), [store]);
  return store.value;
}
