// The scenario users. A button fills in the sign-in form and sends nothing.
import { byId, count, write, writeUser } from "./list.js";

export async function listUsers() {
  const { users } = await (await fetch("/rehearsal.json")).json();
  byId("users").replaceChildren(...users.map(itemOf));
  count(byId("users"), users.length);
}

function itemOf(user) {
  const item = byId("user").content.firstElementChild.cloneNode(true);
  writeUser(item, user.Email);
  write(item, ".name", user.Name);
  write(item, ".password", user.Password);
  write(item, ".note", user.Note);
  const button = item.querySelector("button");
  button.setAttribute("aria-label", `Fill in as ${user.Name}`);
  button.addEventListener("click", () => fillIn(user));
  return item;
}

// The button that returns to the sign-in form from each of the other views.
const buttons = { "forgot": "forgot-back", "reset": "reset-back", "account": "sign-out" };

function fillIn(user) {
  for (const [view, button] of Object.entries(buttons)) {
    if (!byId(view).hidden) byId(button).click();
  }
  enter(byId("sign-in-email"), user.Email);
  enter(byId("sign-in-password"), user.Password);
  byId("sign-in").querySelector("[type=submit]").focus();
}

function enter(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
