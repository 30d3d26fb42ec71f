// What the sign-in does with its page: show one view, show a message, be busy.
import { views as words } from "./words.js";

export const byId = (id) => document.getElementById(id);

const views = Object.keys(words).map(byId);
// An error interrupts a screen reader, news waits. Each has its role in the HTML: only text that changes is read out.
const messages = { error: byId("error"), news: byId("news") };
const announcer = byId("announcer");

// show shows one view and sets the focus in it.
export function show(view, focus, title = words[view.id].title) {
  for (const other of views) other.hidden = other !== view;
  byId("title").textContent = title;
  introduce(words[view.id].intro ?? "");
  document.title = `${title} – Spaceport`;
  hush();
  focus.focus();
}

// introduce sets the text that is shown while there is no message.
export function introduce(text) {
  byId("intro").textContent = text;
}

// say shows an "error" or "news", with buttons that offer a next step.
export function say(kind, text, ...offers) {
  for (const [name, message] of Object.entries(messages)) message.replaceChildren(...(name === kind ? [text, ...offers] : []));
}

export function hush() {
  for (const message of Object.values(messages)) message.replaceChildren();
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

// blame marks the field that an error is about, until it is changed.
export function blame(field) {
  field.setAttribute("aria-invalid", "true");
  field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
  field.focus();
}

let later;

// announce is for screen readers: what others see in the form. A new text replaces one that is still delayed.
export function announce(text, delay = 0) {
  clearTimeout(later);
  later = setTimeout(() => { announcer.textContent = text; }, delay);
}

// busy does a form's work, shown by the text of the button that started it. The buttons are not disabled but marked so: a
// browser would remove the focus from a disabled one.
export async function busy(form, button, work) {
  const waiting = new Set([form.querySelector("[type=submit]"), button]);
  const label = button.textContent;
  form.setAttribute("aria-busy", "true");
  for (const one of waiting) one.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.busy;
  announce(button.dataset.busy);
  try {
    return await work();
  } finally {
    form.removeAttribute("aria-busy");
    for (const one of waiting) one.removeAttribute("aria-disabled");
    button.textContent = label;
    announce("");
  }
}
