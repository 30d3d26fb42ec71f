import { Amplify } from "aws-amplify";
import { confirmResetPassword, fetchAuthSession, resetPassword, signOut } from "aws-amplify/auth";
import { serve } from "./serve.js";

const { endpoint, userPoolId, clientId } = globalThis.settings;
Amplify.configure({ Auth: { Cognito: { userPoolId, userPoolClientId: clientId, userPoolEndpoint: endpoint } } });

serve({
  forgot: (username) => resetPassword({ username }),
  reset: (username, confirmationCode, newPassword) => confirmResetPassword({ username, confirmationCode, newPassword }),
  accessToken: async (forceRefresh) => (await fetchAuthSession({ forceRefresh })).tokens?.accessToken.toString() ?? "",
  signOut,
});
