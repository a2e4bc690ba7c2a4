/** Small helpers to build and find elements. They know nothing of maps or metrics. */

type Child = Node | string | null | undefined;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void) | undefined>;

/**
 * Makes an element: `h("button", { class: "x", onclick: go }, "Go")`.
 * Attributes starting with `on` are listeners; `true` sets an empty attribute, `false` and `undefined` none.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return element;
}

/** The element that the page is known to have: its absence is a mistake in the HTML beside the script. */
export function must<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** An address of this server, whatever prefix a reverse proxy has put before it. */
export function serverUrl(path: string): string {
  return new URL(path, document.baseURI.replace(/[#?].*$/, "")).href;
}

/** Copies text; browsers offer the clipboard only over HTTPS or on localhost, so intranets need the old way. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by the browser's permissions: try the old way.
    }
  }
  const area = h("textarea", { class: "visually-hidden", "aria-hidden": "true", readonly: true }, text);
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

let hiding: number | undefined;

/** Shows a short message at the foot of the page; screen readers hear it (the element is a status region). */
export function toast(message: string): void {
  const element = must("toast");
  element.textContent = message;
  element.classList.add("shown");
  window.clearTimeout(hiding);
  hiding = window.setTimeout(() => element.classList.remove("shown"), 2200);
}
