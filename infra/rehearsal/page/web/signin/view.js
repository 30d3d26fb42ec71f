// What the whole sign-in does with its page: show one view, say something, be busy.

export const byId = (id) => document.getElementById(id);

const views = ["sign-in", "forgot", "reset", "account"].map(byId);
// An error interrupts a screen reader, good news waits. Each has its role in the HTML: only a text that changes is read out.
const messages = { error: byId("error"), news: byId("news") };
const whisper = byId("whisper");

// show brings one view to the front, and the keyboard with it.
export function show(view, focus) {
  for (const other of views) other.hidden = other !== view;
  document.title = `${view.querySelector("h1").textContent.trim()} – Spaceport`;
  hush();
  focus.focus();
}

// say puts an "error" or good "news" where everybody meets it.
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

// aside is heard and not seen: what others read off the form. The last word counts.
export function aside(text, delay = 0) {
  clearTimeout(later);
  later = setTimeout(() => { whisper.textContent = text; }, delay);
}

// busy does a form's work, told by the text of the button that began it. Its buttons are not disabled but said to be: a
// browser would throw the keyboard out of one that it is in.
export async function busy(form, button, work) {
  const waiting = new Set([form.querySelector("[type=submit]"), button]);
  const label = button.textContent;
  form.setAttribute("aria-busy", "true");
  for (const one of waiting) one.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.busy;
  aside(button.dataset.busy);
  try {
    return await work();
  } finally {
    form.removeAttribute("aria-busy");
    for (const one of waiting) one.removeAttribute("aria-disabled");
    button.textContent = label;
    aside("");
  }
}
