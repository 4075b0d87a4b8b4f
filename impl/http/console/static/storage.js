// The browser's storages. Where the browser denies them, the console works without, until the page is loaded again.

/** @param {() => Storage} find */
const guarded = (find) => ({
  /** @param {string} name */
  get(name) {
    try {
      return find().getItem(name) ?? "";
    } catch {
      return "";
    }
  },
  /** @param {string} name @param {string} value */
  set(name, value) {
    try {
      if (value === "") find().removeItem(name);
      else find().setItem(name, value);
    } catch { /* it is denied */ }
  },
});

/** The storage of this tab. */
export const tab = guarded(() => sessionStorage);

/** The storage of this browser, for nothing that is secret. */
export const local = guarded(() => localStorage);
