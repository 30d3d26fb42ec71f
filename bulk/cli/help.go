package cli

import (
	"embed"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

//go:embed help
var help embed.FS

// lineBreak is one within a paragraph, which a terminal folds at its own width.
var lineBreak = regexp.MustCompile(`(\S)\n(\S)`)

// describe returns a command with the texts of help/NAME.txt: its usage, a summary and what to do if it is interrupted,
// in a line each, the description and the examples.
func describe(name string, args cobra.PositionalArgs) *cobra.Command {
	text, err := help.ReadFile("help/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	lines := strings.SplitN(strings.TrimSpace(string(text)), "\n", 4)
	long, examples, _ := strings.Cut(strings.TrimSpace(lines[3]), "\n\nExamples:\n")
	return &cobra.Command{
		Use: lines[0], Short: lines[1], Long: lineBreak.ReplaceAllString(long, "$1 $2"), Example: examples, Args: args,
		Annotations: map[string]string{"resume": lines[2]},
	}
}
