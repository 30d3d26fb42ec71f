package infra_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spaceport/user-migration/bulk/cli"
	"github.com/spaceport/user-migration/bulk/console"
	"github.com/spaceport/user-migration/datamover/ledger"
	"github.com/spaceport/user-migration/datamover/settings"
	"github.com/spaceport/user-migration/infra/rehearsal/journeys"
	"github.com/spaceport/user-migration/infra/rehearsal/spaceport/spaceporttest"
	"github.com/spaceport/user-migration/infra/stacks"
)

// checkers say what must hold for the commands of a program, given with their arguments; nil: they need only be shell.
// A program that is not listed is an error.
var checkers = map[string]func(*testing.T, [][]string){
	"bulk": each(checkBulk), "make": each(checkMake), "go": each(checkGo), "aws": checkAWS,
	"gh": nil, "head": nil, "jq": nil, "zcat": nil,
}

// document is a text in which commands stand. Its name is its path in the repository.
type document struct{ name, text string }

// block is a block of code, and inline a short piece of it.
var (
	block  = regexp.MustCompile("(?ms)^ *```([^\n]*)\n(.*?)^ *```$")
	inline = regexp.MustCompile("`([^`]+)`")
)

// TestDocuments checks every command, link and path of the documents, and the commands of bulk's help.
func TestDocuments(t *testing.T) {
	documents, help := read(t, ".md"), append(read(t, ".txt"), read(t, "settings.tmpl")...)
	var scripts []document
	for _, d := range documents {
		t.Run(d.name, func(t *testing.T) {
			d.checkLinks(t)
			d.checkPaths(t)
			d.checkNames(t)
		})
		scripts = append(scripts, d.scripts(t)...)
	}
	for _, d := range help {
		if strings.HasPrefix(d.name, "bulk/cli/") {
			scripts = append(scripts, d.indented(d.text)...)
			scripts = append(scripts, d.known(regexp.MustCompile(`"([^"]+)"`), d.text)...)
		}
	}
	commands := expand(t, scripts)
	for program, check := range checkers {
		if check != nil {
			require.NotEmpty(t, commands[program], program)
			t.Run(program, func(t *testing.T) { check(t, commands[program]) })
		}
	}
}

// read reads the files of the repository whose names end so.
func read(t *testing.T, suffix string) (all []document) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{".git", ".venv", ".build", "dist"}, entry.Name()) {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, suffix) {
			var text []byte
			text, err = os.ReadFile(path)
			all = append(all, document{strings.TrimPrefix(path, "../"), string(text)})
		}
		return err
	})
	require.NoError(t, err)
	return all
}

// scripts are the commands of a document: blocks of sh, the lines after a $ in a transcript, which may print further
// commands, and short ones in the text.
func (d document) scripts(t *testing.T) (all []document) {
	for _, found := range block.FindAllStringSubmatch(d.text, -1) {
		switch language, code := found[1], found[2]; language {
		case "sh":
			all = append(all, document{d.name, code})
		case "console":
			for _, line := range regexp.MustCompile(`(?m)^\$ (.+)$`).FindAllStringSubmatch(code, -1) {
				all = append(all, document{d.name, line[1]})
			}
			all = append(all, d.indented(code)...)
		default:
			assert.Contains(t, []string{"text", "js", "jsx"}, language, "the language of a block in %s:\n%s", d.name, code)
		}
	}
	return append(all, d.known(inline, d.prose())...)
}

// prose is the document without its blocks.
func (d document) prose() string { return block.ReplaceAllString(d.text, "") }

// indented are the lines that begin with two spaces and a program.
func (d document) indented(text string) []document {
	return d.known(regexp.MustCompile(`(?m)^  (\S.*)$`), text)
}

// known are the texts that are commands of a program in checkers.
func (d document) known(pattern *regexp.Regexp, text string) (all []document) {
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		code := strings.TrimPrefix(strings.ReplaceAll(found[1], "\n", " "), ".build/")
		program, arguments, _ := strings.Cut(code, " ")
		if _, ok := checkers[program]; ok && arguments != "" || program == "source" {
			all = append(all, document{d.name, code})
		}
	}
	return all
}

// expand runs scripts in a shell that finds no program, and returns the commands that it would have run, by program:
// the arguments of each, and last the document's name.
func expand(t *testing.T, scripts []document) map[string][][]string {
	t.Helper()
	bash, err := exec.LookPath("bash")
	spaceporttest.Need(t, err)
	const end = "\x00\x01\x00"
	home, all := t.TempDir(), map[string][][]string{}
	for _, s := range scripts {
		record := filepath.Join(home, "record")
		// Each command is one write at the file's end, since those of a pipeline run at the same time.
		cmd := exec.Command(bash, "-c", `set -u; : >"$RECORD"; exec 3>>"$RECORD"
			command_not_found_handle() { printf '%s\0' "$@" $'\1' >&3; }
			`+s.text)
		cmd.Dir = home
		cmd.Env = []string{
			"PATH=" + home, "HOME=" + home, "RECORD=" + record,
			"STAGING_PROFILE=spaceport-dev", "PRODUCTION_PROFILE=spaceport-prod", "MIGRATION_STACK=spaceport-migration",
			"AWS_REGION=us-west-2",
		}
		said, err := cmd.CombinedOutput()
		assert.NoError(t, err, "%s: %s\n%s", s.name, s.text, said)
		assert.Empty(t, string(said), "%s: %s", s.name, s.text)
		recorded, err := os.ReadFile(record)
		require.NoError(t, err)
		for line := range strings.SplitSeq(strings.TrimSuffix(string(recorded), end), end) {
			words := append(strings.Split(line, "\x00"), s.name)
			if _, known := checkers[words[0]]; assert.True(t, known || line == "", "%s: unknown command %s", s.name, line) {
				all[words[0]] = append(all[words[0]], words[1:])
			}
		}
	}
	return all
}

// each checks the commands of a program one by one.
func each(check func(*testing.T, []string)) func(*testing.T, [][]string) {
	return func(t *testing.T, commands [][]string) {
		for _, words := range commands {
			end := len(words) - 1
			t.Run(words[end]+": "+strings.Join(words[:end], " "), func(t *testing.T) { check(t, words[:end]) })
		}
	}
}

// checkBulk runs bulk itself, where AWS denies everything: a command, flag, argument or value that does not exist is a
// usage error before that.
func checkBulk(t *testing.T, words []string) {
	placeholders := map[string]string{
		"N": "1", "SHELL": "bash", "COMMAND": "check",
		"arn:aws:lambda:…": "arn:aws:lambda:us-west-2:111111111111:function:one",
	}
	for i, word := range words {
		if value, ok := placeholders[word]; ok {
			words[i] = value
		}
	}
	denies := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer denies.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": denies.URL, "AWS_REGION": "us-west-2", "AWS_ACCESS_KEY_ID": "none",
		"AWS_SECRET_ACCESS_KEY": "none",
		"AWS_CONFIG_FILE":       os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	streams := console.Streams{In: strings.NewReader("a password\n"), InTerminal: true, Out: &out, Err: &errs}
	code := cli.Run(context.Background(), words, streams, func(name string) string {
		return map[string]string{"MIGRATION_STACK": "spaceport-migration"}[name]
	})
	assert.NotEqual(t, 2, code, errs.String())
	assert.NotContains(t, out.String()+errs.String(), "Unknown help topic")
}

// checkMake looks for the target, and for the parameters in its template.
func checkMake(t *testing.T, words []string) {
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	var target string
	for _, word := range words {
		name, value, sets := strings.Cut(word, "=")
		if !sets {
			target = word
			assert.Regexp(t, `(?m)^`+regexp.QuoteMeta(target)+`:`, string(makefile))
			continue
		}
		assert.Contains(t, []string{"deploy-staging", "deploy-production"}, target)
		checkParameter(t, strings.TrimPrefix(target, "deploy-"), name, value)
	}
}

// checkParameter looks for a parameter of a template and its value, or a setting of deploy.sh.
func checkParameter(t *testing.T, stack, name, value string) {
	template, err := stacks.Read(stack + ".yaml")
	require.NoError(t, err)
	parameter, ok := template.Parameters[name]
	assert.True(t, ok || slices.Contains([]string{"ARTIFACT_BUCKET", "CONFIRM"}, name),
		"%s.yaml has no parameter %s", stack, name)
	if len(parameter.AllowedValues) > 0 {
		assert.Contains(t, parameter.AllowedValues, value, name)
	}
}

// checkGo looks for the packages, and for the tests that -run names.
func checkGo(t *testing.T, words []string) {
	packages := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return !strings.HasPrefix(word, "./") })
	require.NotEmpty(t, packages)
	folders := list(t, append([]string{"-f", "{{.Dir}}"}, packages...)...)
	if i := slices.Index(words, "-run"); i >= 0 {
		var tests strings.Builder
		for _, folder := range folders {
			files, err := filepath.Glob(folder + "/*_test.go")
			require.NoError(t, err)
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				tests.Write(text)
			}
		}
		assert.Regexp(t, `(?m)^func `+words[i+1], tests.String())
	}
}

// checkAWS parses commands as the AWS CLI does.
func checkAWS(t *testing.T, commands [][]string) {
	python, err := filepath.Abs("../.venv/stacks/bin/python")
	require.NoError(t, err)
	_, err = exec.LookPath(python)
	spaceporttest.Need(t, err)
	config := filepath.Join(t.TempDir(), "config")
	const keys = "aws_access_key_id = none\naws_secret_access_key = none\n"
	profiles := "[profile spaceport-dev]\n" + keys + "[profile spaceport-prod]\n" + keys
	require.NoError(t, os.WriteFile(config, []byte(profiles), 0o600))
	var words [][]string
	for _, command := range commands {
		words = append(words, command[:len(command)-1])
	}
	input, err := json.Marshal(words)
	require.NoError(t, err)
	cmd := exec.Command(python, "testdata/aws.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	cmd.Env = []string{
		"AWS_CONFIG_FILE=" + config, "AWS_DEFAULT_REGION=us-west-2", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none",
		"PYTHONUTF8=1", "HOME=" + filepath.Dir(config),
	}
	output, err := cmd.Output()
	require.NoError(t, err)
	var wrong []string
	require.NoError(t, json.Unmarshal(output, &wrong))
	require.Len(t, wrong, len(commands))
	for i, what := range wrong {
		assert.Empty(t, what, commands[i])
	}
}

// checkLinks follows relative links, to a file and to a heading of it.
func (d document) checkLinks(t *testing.T) {
	for _, found := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(d.prose(), -1) {
		file, heading, _ := strings.Cut(strings.TrimSpace(found[1]), "#")
		if strings.Contains(file, "://") {
			continue
		}
		path := filepath.Join("..", filepath.Dir(d.name), file)
		if file == "" {
			path = filepath.Join("..", d.name)
		}
		text, err := os.ReadFile(path)
		if assert.NoError(t, err) && heading != "" {
			assert.Contains(t, headings(string(text)), heading, file)
		}
	}
}

// headings are those of a document, as GitHub names them in links.
func headings(text string) (all []string) {
	for _, found := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(found[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

var (
	path = regexp.MustCompile(`^[\w.-]+(/[\w.*-]+)+/?$|^[\w-]+\.(go|md|sh|yaml|txt|html|js|css|tmpl|py)$`)
	made = regexp.MustCompile(`^(dist|\.build|\.venv)(/|$)`)
)

// checkPaths looks for files and folders that are named in the text: in the repository, or beside the document, or by
// their last name.
func (d document) checkPaths(t *testing.T) {
	for _, found := range inline.FindAllStringSubmatch(d.prose(), -1) {
		name := found[1]
		if !path.MatchString(name) || made.MatchString(name) {
			continue
		}
		here, err := filepath.Glob(filepath.Join("..", name))
		require.NoError(t, err)
		if !strings.Contains(name, "/") {
			for _, file := range read(t, name) {
				here = append(here, file.name)
			}
		}
		assert.NotEmpty(t, here, "%s: there is no %s", d.name, name)
	}
}

var (
	setting   = regexp.MustCompile(`^([A-Z][a-z]\w+)=(\S+)$`)
	forgotten = regexp.MustCompile(`(?i)forgot (your )?password\?`)
)

// checkNames looks for parameters that are set in the text, and for the name of the link to a new password.
func (d document) checkNames(t *testing.T) {
	for _, found := range inline.FindAllStringSubmatch(d.prose(), -1) {
		if set := setting.FindStringSubmatch(found[1]); set != nil {
			checkParameter(t, "production", set[1], set[2])
		}
	}
	for _, name := range forgotten.FindAllString(d.text, -1) {
		assert.Equal(t, "Forgot your password?", name)
	}
}

// TestLinkToANewPassword: email, page and documents share its name.
func TestLinkToANewPassword(t *testing.T) {
	for _, name := range []string{"trigger/reset_email.html", "infra/rehearsal/page/web/index.html"} {
		text, err := os.ReadFile("../" + name)
		require.NoError(t, err)
		assert.Contains(t, string(text), "Forgot your password?", name)
		document{name, string(text)}.checkNames(t)
	}
}

// TestReadme: who opens the repository reads what it is at once, and all of it in a few minutes.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	assert.LessOrEqual(t, len(strings.Fields(string(text))), 1500, "words")
	_, body, _ := strings.Cut(string(text), "\n\n")
	sentence, _, _ := strings.Cut(strings.ReplaceAll(body, "\n", " "), ". ")
	assert.Contains(t, sentence, "just-in-time (lazy) migration between two Cognito user pools")
}

// TestDocumentsList: what a document lists is all that the code has.
func TestDocumentsList(t *testing.T) {
	var variables, attributes, titles []string
	for _, v := range settings.Variables {
		variables = append(variables, v.Name)
	}
	for field := range reflect.TypeFor[ledger.Record]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("dynamodbav"), ",")
		attributes = append(attributes, name)
	}
	for _, j := range journeys.All {
		titles = append(titles, j.Title)
	}
	for _, tt := range []struct {
		document, heading string
		row, name         string
		want              []string
	}{
		{"infra/README.md", "## Configuration", `(?m)^\| .*`, "^\\| (`)([A-Z_]+)`", variables},
		{"datamover/README.md", "| attribute |", `(?m)^\| [^|]+`, "(`)([a-zA-Z]+)`", attributes},
		{"infra/rehearsal/README.md", "## The journeys", `(?m)^- .*`, `^(- )(.*)`, titles},
	} {
		text, err := os.ReadFile("../" + tt.document)
		require.NoError(t, err)
		_, section, ok := strings.Cut(string(text), tt.heading)
		require.True(t, ok, tt.heading)
		section, _, _ = strings.Cut(section, "\n#")
		var got []string
		for _, row := range regexp.MustCompile(tt.row).FindAllString(section, -1) {
			for _, found := range regexp.MustCompile(tt.name).FindAllStringSubmatch(row, -1) {
				got = append(got, found[2])
			}
		}
		assert.ElementsMatch(t, tt.want, got, tt.document)
	}
}
