package page

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
)

// TestServed checks what a browser gets, with the real functions and without a browser.
func TestServed(t *testing.T) {
	s := spaceporttest.Start(t, spaceport.Options{})
	served, err := Serve(t.Context(), s, journeys.ScenarioUsers)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, served.Close()) })

	t.Run("config", func(t *testing.T) {
		var got config
		require.Equal(t, http.StatusOK, fetch(t, served.URL()+"rehearsal.json", "", &got))
		assert.Equal(t, s.Cloud.URL(), got.Endpoint)
		require.NotNil(t, got.PasswordPolicy)
		assert.Equal(t, int32(8), *got.PasswordPolicy.MinimumLength, "as the stack has it")
		assert.False(t, got.PasswordPolicy.RequireSymbols)
		assert.Len(t, got.Users, len(journeys.ScenarioUsers))
	})
	t.Run("invalid token", func(t *testing.T) {
		var said map[string]string
		assert.Equal(t, http.StatusUnauthorized, fetch(t, served.URL()+"account", "invalid", &said))
		assert.NotEmpty(t, said["error"])
	})
	t.Run("migrated user", func(t *testing.T) {
		ada := spaceport.User{Name: "Ada", Email: "ada@example.com", Password: "Ada-Staging-1", Projects: shownProjects + 10}
		stagingSub, err := s.Add(t.Context(), ada)
		require.NoError(t, err)
		got := signInAndLook(t, s, served, ada)
		assert.Equal(t, []string{ada.Email, ada.Name, stagingSub}, []string{got.Email, got.Name, got.StagingSub})
		assert.Equal(t, ledger.Moved, got.State)
		assert.Equal(t, map[string]any{
			"id": got.ProductionSub, "name": ada.Name, "avatar": "s3://spaceport-uploads/" + stagingSub + "/me.png",
		}, got.Profile)
		assert.Equal(t, ada.Projects, got.ProjectCount)
		require.Len(t, got.Projects, shownProjects)
		file := "s3://spaceport-uploads/" + stagingSub + "/1.zip"
		assert.Equal(t, project{Title: "Flight 1", Progress: 1, File: file}, got.Projects[1])
	})
	t.Run("user who was never in staging", func(t *testing.T) {
		require.NoError(t, s.AddNative(t.Context(), journeys.Nia.User))
		got := signInAndLook(t, s, served, journeys.Nia.User)
		assert.Equal(t, account{Email: "nia@example.com", Name: "Nia", ProductionSub: got.ProductionSub,
			Projects: []project{}}, got)
	})
	t.Run("user with a forged staging id", func(t *testing.T) {
		user, err := s.ProductionUser(t.Context(), "ada@example.com")
		require.NoError(t, err)
		mallory := spaceport.User{
			Name: "Mallory", Email: "mallory@example.com", Password: "Mallory-Production-1",
			Attributes: map[string]string{"custom:staging_sub": spaceport.Attribute(user, "custom:staging_sub")},
		}
		require.NoError(t, s.AddNative(t.Context(), mallory))
		got := signInAndLook(t, s, served, mallory)
		assert.Empty(t, got.State, "the record is another user's")
		assert.Zero(t, got.ProjectCount)
	})
}

func signInAndLook(t *testing.T, s *spaceport.Spaceport, p *Page, who spaceport.User) (a account) {
	t.Helper()
	in, err := s.SignIn(t.Context(), who.Email, who.Password)
	require.NoError(t, err)
	require.NotNil(t, in.AuthenticationResult)
	require.Equal(t, http.StatusOK, fetch(t, p.URL()+"account", *in.AuthenticationResult.AccessToken, &a))
	return a
}

func fetch(t *testing.T, url, token string, into any) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.NoError(t, json.Unmarshal(body, into), string(body))
	return response.StatusCode
}
