// The scenario users. A button fills in the sign-in form and sends nothing.
import { byId } from "./list.js";

export async function listUsers() {
  const { users } = await (await fetch("/rehearsal.json")).json();
  byId("users").replaceChildren(...users.map(itemOf));
}

function itemOf(user) {
  const item = byId("user").content.firstElementChild.cloneNode(true);
  item.dataset.email = user.email;
  item.querySelector(".name").textContent = user.name;
  item.querySelector(".email").textContent = user.email;
  item.querySelector(".password").textContent = user.password;
  item.querySelector(".note").textContent = user.note;
  const button = item.querySelector("button");
  button.setAttribute("aria-label", `Fill in as ${user.name}`);
  button.addEventListener("click", () => fillIn(user));
  return item;
}

// The button that returns to the sign-in form from each of the other views.
const buttons = { "forgot": "forgot-back", "reset": "reset-back", "account": "sign-out" };

function fillIn(user) {
  for (const [view, button] of Object.entries(buttons)) {
    if (!byId(view).hidden) byId(button).click();
  }
  enter(byId("sign-in-email"), user.email);
  enter(byId("sign-in-password"), user.password);
  byId("sign-in").querySelector("[type=submit]").focus();
}

function enter(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
