import "@aws-amplify/ui-react/styles.css";
import { useAuthenticator } from "@aws-amplify/ui-react";
import { createRoot } from "react-dom/client";
import "./amplify-6.js";
import { App } from "./README.jsx";

function Account() {
  const { user, signOut } = useAuthenticator();
  return <main><p id="user">{user.signInDetails.loginId}</p><button id="sign-out" onClick={signOut}>Sign out</button></main>;
}

createRoot(document.getElementById("root")).render(<App><Account /></App>);
