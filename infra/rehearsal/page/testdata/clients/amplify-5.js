import { Auth } from "aws-amplify";
import { serve } from "./serve.js";

const { endpoint, region, userPoolId, clientId } = globalThis.settings;
Auth.configure({ region, userPoolId, userPoolWebClientId: clientId, endpoint });

serve({
  forgot: (email) => Auth.forgotPassword(email),
  reset: (email, code, password) => Auth.forgotPasswordSubmit(email, code, password),
  async accessToken(forceRefresh) {
    const user = await Auth.currentUserPoolUser().catch(() => null);
    const session = user?.getSignInUserSession();
    if (!session || !forceRefresh) return session?.getAccessToken().getJwtToken() ?? "";
    return new Promise((resolve, reject) => {
      user.refreshSession(session.getRefreshToken(), (error, renewed) =>
        error ? reject(error) : resolve(renewed.getAccessToken().getJwtToken()));
    });
  },
  signOut: () => Auth.signOut(),
});
