// Reads JSON with the lines of its parts, so that an editor can point at a problem. JSON.parse names positions in some
// browsers only.

/**
 * @typedef {object} Problem
 * @property {number} line from 1
 * @property {string} text
 */

/**
 * @typedef {object} Parsed
 * @property {any} value undefined if the text is no JSON
 * @property {Problem[]} problems
 * @property {(path: (string | number)[]) => number} lineOf the line of a part, or of the closest part around it
 */

/** @param {string} text @returns {Parsed} */
export function parseJSON(text) {
  const reader = new Reader(text);
  /** @type {Problem[]} */
  const problems = reader.duplicates;
  let value;
  try {
    value = reader.document();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problems.push({ line: reader.line(reader.at), text: error.message });
  }
  return { value, problems, lineOf: (path) => reader.lineOf(path) };
}

/** The end of a path in a key of the map of positions. @param {(string | number)[]} path */
const keyOf = (path) => JSON.stringify(path);

class Reader {
  at = 0;
  /** @type {Problem[]} */
  duplicates = [];
  /** @type {Map<string, number>} */
  #positions = new Map();

  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  /** @param {number} position */
  line(position) {
    return this.text.slice(0, position).split("\n").length;
  }

  /** @param {(string | number)[]} path */
  lineOf(path) {
    for (let length = path.length; length >= 0; length--) {
      const position = this.#positions.get(keyOf(path.slice(0, length)));
      if (position !== undefined) return this.line(position);
    }
    return 1;
  }

  document() {
    const value = this.#value([]);
    this.#skip();
    if (this.at < this.text.length) throw new SyntaxError("Nothing may follow the value.");
    return value;
  }

  #skip() {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? "")) this.at++;
  }

  /** @param {(string | number)[]} path @returns {any} */
  #value(path) {
    if (path.length > 100) throw new SyntaxError("This is nested too deeply.");
    this.#skip();
    const key = keyOf(path);
    if (!this.#positions.has(key)) this.#positions.set(key, this.at);
    const first = this.text[this.at];
    if (first === "{") return this.#object(path);
    if (first === "[") return this.#array(path);
    if (first === '"') return this.#string();
    return this.#literal();
  }

  /** @param {(string | number)[]} path */
  #object(path) {
    /** @type {Record<string, unknown>} */
    const value = Object.create(null);
    this.at++;
    for (let first = true; ; first = false) {
      this.#skip();
      if (this.text[this.at] === "}" && first) break;
      if (this.text[this.at] !== '"') throw new SyntaxError(`A name in double quotes is expected here${first ? ", or }" : ""}.`);
      const position = this.at;
      const name = this.#string();
      if (name in value) this.duplicates.push({ line: this.line(position), text: `"${name}" is there twice.` });
      this.#positions.set(keyOf([...path, name]), position);
      this.#skip();
      this.#expect(":", `A colon is expected after "${name}".`);
      value[name] = this.#value([...path, name]);
      this.#skip();
      if (this.text[this.at] !== ",") break;
      this.at++;
    }
    this.#expect("}", "A comma or } is expected here.");
    return { ...value };
  }

  /** @param {(string | number)[]} path */
  #array(path) {
    const value = [];
    this.at++;
    this.#skip();
    while (this.text[this.at] !== "]") {
      value.push(this.#value([...path, value.length]));
      this.#skip();
      if (this.text[this.at] !== ",") break;
      this.at++;
    }
    this.#expect("]", "A comma or ] is expected here.");
    return value;
  }

  #string() {
    const match = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
    match.lastIndex = this.at;
    const found = match.exec(this.text)?.[0];
    if (found === undefined) throw new SyntaxError("This string has no end, or a character that must be escaped.");
    this.at += found.length;
    return String(JSON.parse(found));
  }

  #literal() {
    const match = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
    match.lastIndex = this.at;
    const found = match.exec(this.text)?.[0];
    if (found === undefined) {
      throw new SyntaxError(this.at >= this.text.length ? "The text ends too early." : "A value is expected here.");
    }
    this.at += found.length;
    return JSON.parse(found);
  }

  /** @param {string} character @param {string} message */
  #expect(character, message) {
    if (this.text[this.at] !== character) throw new SyntaxError(this.at >= this.text.length ? "The text ends too early." : message);
    this.at++;
  }
}
