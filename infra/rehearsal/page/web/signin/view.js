// What the whole sign-in does with its page: show one view, say something, be busy.

export const byId = (id) => document.getElementById(id);

const views = ["sign-in", "forgot", "reset", "account"].map(byId);
const message = byId("message");
const whisper = byId("whisper");

// show brings one view to the front, and the keyboard with it.
export function show(view, focus) {
  for (const other of views) other.hidden = other !== view;
  document.title = `${view.querySelector("h1").textContent.trim()} – Spaceport`;
  hush();
  focus.focus();
}

// say puts an error or good news where everybody meets it. The role is there before the text: the text is what changes.
export function say(kind, text, ...offers) {
  message.setAttribute("role", kind === "error" ? "alert" : "status");
  message.dataset.kind = kind;
  message.replaceChildren(text, ...offers);
}

export function hush() {
  message.replaceChildren();
  message.removeAttribute("data-kind");
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

// busy does a form's work, told by the text of the button that began it.
export async function busy(form, button, work) {
  const submit = form.querySelector("[type=submit]");
  const label = button.textContent;
  form.setAttribute("aria-busy", "true");
  submit.disabled = button.disabled = true;
  button.textContent = button.dataset.busy;
  aside(button.dataset.busy);
  try {
    return await work();
  } finally {
    form.removeAttribute("aria-busy");
    submit.disabled = button.disabled = false;
    button.textContent = label;
    aside("");
  }
}
