// Package cli is bulk's command line: one function of context, arguments, streams and environment, so that tests run it
// in-process and look at stdout, stderr and the exit code.
//
// # Adding a command
//
// A command is one file here, which wires, and one package beside this one, which works and knows no AWS. The file has a
// function that makes the command anew for each run, so that its flags are plain local variables, and commands() lists it:
//
//	func sweepCommand() *command {
//		var (
//			live  bool
//			users stringList // a flag that may be repeated
//		)
//		return &command{
//			name:     "sweep",
//			summary:  "bring over whoever has not come by themselves",
//			usage:    "[--live] [--user EMAIL]",
//			help:     "…",                                          // plain paragraphs
//			examples: []string{"bulk sweep", "bulk sweep --live --limit 2"},
//			requires: []string{"STAGING_USER_POOL_ID", "PRODUCTION_USER_POOL_ID"},
//			flags: func(f *flag.FlagSet) {
//				f.BoolVar(&live, "live", false, "really do it")
//				f.Var(&users, "user", "only the user with this `EMAIL`; may be repeated")
//			},
//			operands: nil,                                          // names of what follows, such as "DIR"
//			goOn:     "Nothing is lost: run the same command again.", // printed after Ctrl-C
//			run: func(ctx context.Context, s *session) error {
//				a, err := s.accounts(ctx) // both accounts, the ledger, the pools
//				if err != nil {
//					return err
//				}
//				…
//			},
//		}
//	}
//
// What run has in its session:
//   - settings (flag > environment > default, read and complete), args (the operands), now;
//   - meter for progress: task := s.meter.Start("Sweeping", "users", total); task.Add(1); task.End(). A line of its own
//     above the bar is s.meter.Println. All of it goes to stderr;
//   - print(doc, text) for the result on stdout: doc as JSON with --json, else text. json says which, for those who stream;
//   - ask and askSecret for prompts, and Streams.InTerminal, which says whether somebody is there to answer;
//   - Out and Err, where that is not enough.
//
// The order of commands() is that of the overview. What is printed has golden files: go test ./bulk/cli -update writes
// them anew.
//
// What run returns decides the exit code: nil is 0; usagef(…) is 2; errFindings, after the findings were printed, is 3; any
// other error is printed with advice and is 1. Once ctx is cancelled, every error is 130 and goOn is printed.
package cli
